//! `bailiwick history`

use crate::{Failure, Outcome, print};
use bailiwick::{History, HistoryOptions, default_history_dir};
use std::fmt::Write;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// How many executions, newest first
    #[arg(long, value_name = "N", default_value_t = 20)]
    limit: usize,
    /// Print them as a JSON array
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> Outcome {
    let dir = default_history_dir().ok_or_else(|| {
        Failure::new("there is no history: neither XDG_STATE_HOME nor HOME says where to keep one")
    })?;
    let records = History::open(&dir, HistoryOptions::default())?.recent(args.limit)?;
    if args.json {
        print(&(serde_json::to_string(&records).map_err(Failure::new)? + "\n"))?;
        return Ok(0);
    }
    if records.is_empty() {
        print("nothing has been run yet\n")?;
        return Ok(0);
    }
    let mut text = format!(
        "{:24}  {:36}  {:10}  {:6}  {:>9}  {}\n",
        "started", "id", "language", "ran on", "wall ms", "ended"
    );
    for record in records {
        let backend = record.backend.map_or("-", |backend| backend.as_str());
        let wall = record
            .usage
            .as_ref()
            .map_or_else(|| "-".to_owned(), |usage| format!("{:.1}", usage.wall.as_secs_f64() * 1e3));
        let ended = record.exit.as_ref().map_or_else(|| record.state.to_string(), ToString::to_string);
        // Writing to a String does not fail.
        let _ = writeln!(
            text,
            "{:24}  {:36}  {:10}  {backend:6}  {wall:>9}  {ended}",
            record.started_at.to_string(),
            record.id.to_string(),
            record.language.to_string(),
        );
    }
    print(&text)?;
    Ok(0)
}
