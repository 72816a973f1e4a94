//! Containers that wait with pandas imported: `cargo run --example pool` (needs a Docker daemon and `bailiwick images build python`).

use bailiwick::{ContainersConfig, ExecutionContext, ExecutionEngine, HistoryPlace, Language, PoolConfig};
use std::time::{Duration, Instant};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut containers = ContainersConfig::default();
    containers.python.pool = Some(PoolConfig::new(2));
    let engine =
        ExecutionEngine::builder().history(HistoryPlace::Memory(100)).containers(containers).build()?;
    // Fails if there is no daemon, or no image.
    println!("{}", engine.image(Language::Python)?.name);
    for _ in 0..5 {
        while engine.containers_waiting(Language::Python) < 2 {
            std::thread::sleep(Duration::from_millis(20));
        }
        let code = "import pandas as pd\nprint(pd.DataFrame({'a': [1, 2, 3]}).sum().to_dict())";
        let start = Instant::now();
        let result = engine.execute_blocking(code, Language::Python, &ExecutionContext::new())?;
        let took = start.elapsed();
        println!("{} in {took:.1?}: {}", result.exit, result.stdout_text().trim_end());
    }
    Ok(())
}
