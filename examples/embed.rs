//! The engine in twenty lines: `cargo run --release --example embed`

use bailiwick::{ExecutionContext, ExecutionEngine, Language, LimitOverrides};
use std::error::Error;
use std::time::Duration;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let engine = ExecutionEngine::builder().build()?;
    let context = ExecutionContext::new()
        .limits(LimitOverrides::new().wall_time(Duration::from_secs(2)))
        .file("numbers.txt", "3\n1\n2\n");
    let code = "numbers = sorted(int(line) for line in open('numbers.txt'))\nprint(numbers)\nsum(numbers)";
    let result = engine.execute(code, Language::Python, &context).await?;
    print!("{}", result.stdout_text());
    println!("ended: {}, value: {:?}, {:?}", result.exit, result.value, result.usage);
    Ok(())
}
