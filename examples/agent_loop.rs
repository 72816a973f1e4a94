//! An agent's loop: run what a model wrote, and give it back what went wrong until it is right.
//!
//! `cargo run --release --example agent_loop`. The "model" here is a list of attempts, so that the example needs none.

use bailiwick::{ExecutionContext, ExecutionEngine, ExecutionResult, ExitKind, Language, LimitOverrides};
use std::error::Error;
use std::time::Duration;

/// What a model might write for "the mean of these numbers", one attempt after another.
const ATTEMPTS: [&str; 4] = [
    "import subprocess\nsubprocess.run(['python3', '-c', 'print(2)'])",
    "while True: pass",
    "numbers = [1, 2, 3]\nprint(sum(numbers) / len(number))",
    "numbers = [1, 2, 3]\nprint(sum(numbers) / len(numbers))",
];

/// What the model is told of an attempt; `None` when it is right.
fn feedback(result: &ExecutionResult) -> Option<String> {
    match &result.exit {
        ExitKind::Exited { code: 0 } => None,
        ExitKind::Denied => {
            let findings = result.policy.findings.iter();
            let findings: Vec<_> = findings.map(|f| format!("line {}: {}", f.line, f.message)).collect();
            Some(format!("the policy forbids this code: {}", findings.join("; ")))
        }
        ExitKind::Exception { exception, .. } => {
            Some(format!("{}: {}\n{}", exception.type_name, exception.message, result.stderr_text()))
        }
        other => Some(other.to_string()),
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let engine = ExecutionEngine::builder().build()?;
    let context = ExecutionContext::new().limits(LimitOverrides::new().wall_time(Duration::from_millis(500)));
    for (n, code) in ATTEMPTS.iter().enumerate() {
        let result = engine.execute_blocking(code, Language::Python, &context)?;
        match feedback(&result) {
            None => {
                println!("attempt {}: {}", n + 1, result.stdout_text().trim());
                return Ok(());
            }
            Some(problem) => println!("attempt {}: back to the model: {problem}", n + 1),
        }
    }
    Err("no attempt was right".into())
}
