//! A stateful environment, as a notebook or a chat needs it: `cargo run --release --example environment`

use bailiwick::{ExecutionContext, ExecutionEngine, Language};
use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    let engine = ExecutionEngine::builder().build()?;
    let environment = engine.prepare_environment(Language::Python)?;
    let context = ExecutionContext::new();
    for cell in ["import statistics\ndata = [1, 4, 9]", "data.append(16)", "1 / 0", "statistics.mean(data)"] {
        let result = environment.execute_blocking(cell, &context)?;
        println!("{cell:?}: {}, value {:?}", result.exit, result.value);
    }
    assert!(engine.cleanup_environment(environment.id()));
    Ok(())
}
