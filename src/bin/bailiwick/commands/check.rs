//! `bailiwick check`

use crate::source::{self, SourceArgs};
use crate::{Outcome, print};
use bailiwick::policy::render;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    source: SourceArgs,
    /// The policy to judge the code by
    #[arg(long, value_name = "default|permissive|FILE", default_value = "default")]
    policy: String,
    /// Print the findings as one JSON object
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> Outcome {
    let source = args.source.read()?;
    let policy = source::policy(&args.policy)?;
    let result = policy.validate(&source.code, source.language);
    if args.json {
        print(
            &(serde_json::json!({
                "file": source.name,
                "language": source.language,
                "policy": policy.name(),
                "allowed": result.is_allowed(),
                "risk": result.risk,
                "findings": result.findings,
            })
            .to_string()
                + "\n"),
        )?;
    } else if result.findings.is_empty() {
        print(&format!("{}: nothing found\n", source.name))?;
    } else {
        let verdict = if result.is_allowed() { "allowed" } else { "denied" };
        let text = render(&result, &source.name, &source.code);
        print(&format!("{text}{}: {verdict}, risk {}\n", source.name, result.risk))?;
    }
    Ok(if result.is_allowed() { 0 } else { 126 })
}
