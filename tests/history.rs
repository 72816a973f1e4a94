//! The execution history: what survives whom.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use bailiwick::history::{
    BeginRecord, ExecutionRecord, FinishRecord, History, HistoryErrorKind, HistoryOptions, MAX_CODE,
    MAX_FINDINGS, MAX_MESSAGE, RecordState, RecoveryKind, Timestamp,
};
use bailiwick::policy::Finding;
use bailiwick::{
    BackendName, ByteSize, ExceptionInfo, ExecutionId, ExecutionResult, ExitKind, Language, Limits,
    LimitsConfig, PolicyVerdict, RiskLevel, Usage,
};
use std::collections::HashSet;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

fn limits() -> Limits {
    LimitsConfig::builtin().for_language(Language::Python)
}

fn finding(line: usize) -> Finding {
    let json = serde_json::json!({
        "rule": "x", "severity": "low", "action": "warn", "line": line, "column": 1, "end_column": 2, "message": "m"
    });
    serde_json::from_value(json).unwrap()
}

fn verdict() -> PolicyVerdict {
    PolicyVerdict { allowed: true, risk: RiskLevel::Low, findings: vec![finding(1)] }
}

fn usage() -> Usage {
    let mut usage = Usage::default();
    usage.wall = Duration::from_micros(1500);
    usage.cpu = Duration::from_micros(1250);
    usage.fuel = Some(150_000);
    usage.peak_memory = ByteSize::from_mb(14);
    usage
}

/// Begins an execution of `code`.
fn begin(history: &History, code: &str) -> bailiwick::history::Pending {
    let (policy, limits) = (verdict(), limits());
    history
        .begin(&BeginRecord {
            id: ExecutionId::new(),
            language: Language::Python,
            backend: Some(BackendName::Wasm),
            code,
            policy: &policy,
            limits: &limits,
        })
        .unwrap()
}

fn finish(pending: bailiwick::history::Pending, exit: &ExitKind) -> ExecutionId {
    let id = pending.id();
    let usage = usage();
    pending
        .finish(&FinishRecord { backend: None, exit, usage: &usage, stdout_bytes: 45, stderr_bytes: 1 })
        .unwrap();
    id
}

/// Records one execution that went well.
fn run(history: &History, code: &str) -> ExecutionId {
    finish(begin(history, code), &ExitKind::Exited { code: 0 })
}

fn open(dir: &Path) -> History {
    History::open(dir, HistoryOptions::default()).unwrap()
}

fn ids(records: &[ExecutionRecord]) -> Vec<ExecutionId> {
    records.iter().map(|record| record.id).collect()
}

/// The files in `dir` whose names begin so.
fn files(dir: &Path, prefix: &str) -> Vec<PathBuf> {
    let mut found: Vec<_> = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.file_name().unwrap().to_str().unwrap().starts_with(prefix))
        .collect();
    found.sort();
    found
}

#[test]
fn a_record_holds_what_was_said() {
    let dir = TempDir::new().unwrap();
    let before = Timestamp::now();
    let id = {
        let history = open(dir.path());
        let id = run(&history, "print(1+1)");
        // Before it has reached the database, from it, and by way of another opening: the same.
        let first = history.recent(10).unwrap();
        history.flush().unwrap();
        assert_eq!(history.recent(10).unwrap(), first);
        id
    };
    let records = open(dir.path()).recent(10).unwrap();
    assert_eq!(ids(&records), [id]);
    let record = &records[0];
    assert_eq!(record.state, RecordState::Finished);
    assert_eq!(record.language, Language::Python);
    assert_eq!(record.backend, Some(BackendName::Wasm));
    // sha256sum of `print(1+1)`.
    let output =
        Command::new("sha256sum").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().map(|mut child| {
            child.stdin.take().unwrap().write_all(b"print(1+1)").unwrap();
            String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap()
        });
    assert_eq!(record.code_sha256, output.unwrap().split(' ').next().unwrap());
    assert_eq!(record.code, None);
    assert_eq!(record.policy, verdict());
    assert_eq!(record.limits, limits());
    assert_eq!(record.exit, Some(ExitKind::Exited { code: 0 }));
    assert_eq!(record.usage, Some(usage()));
    assert_eq!((record.stdout_bytes, record.stderr_bytes), (Some(45), Some(1)));
    assert!(record.started_at >= before && record.started_at <= Timestamp::now());
    // The JSON form is read back as the same record.
    let json = serde_json::to_string(record).unwrap();
    assert_eq!(&serde_json::from_str::<ExecutionRecord>(&json).unwrap(), record);
}

#[test]
fn a_result_is_recorded_as_it_is() {
    let history = History::in_memory(3);
    let pending = begin(&history, "x");
    let mut result = ExecutionResult::new(pending.id(), Language::Python, ExitKind::Cancelled, verdict());
    result.stdout = b"four".to_vec();
    result.backend = Some(BackendName::Docker);
    history.finish(pending, &FinishRecord::from(&result)).unwrap();
    let record = history.recent(1).unwrap().remove(0);
    assert_eq!((record.stdout_bytes, record.stderr_bytes), (Some(4), Some(0)));
    assert_eq!(record.exit, Some(ExitKind::Cancelled));
    assert_eq!(record.backend, Some(BackendName::Docker), "the end knows better than the beginning");
}

#[test]
fn every_ending_comes_back() {
    let dir = TempDir::new().unwrap();
    let exception =
        ExceptionInfo { type_name: "MemoryError".to_owned(), message: "line\nbreak \u{1f40d} \"".to_owned() };
    let size = ByteSize::from_mb(1);
    let exits = [
        ExitKind::Exited { code: -3 },
        ExitKind::Exception { code: 1, exception: exception.clone() },
        ExitKind::FuelExhausted { limit: u64::MAX },
        ExitKind::TimedOut { limit: Duration::from_nanos(1_000_000_001) },
        ExitKind::MemoryLimit { limit: size, exception: None },
        ExitKind::MemoryLimit { limit: size, exception: Some(exception.clone()) },
        ExitKind::OutputLimit { limit: size },
        ExitKind::DiskLimit { limit: size, code: 1, exception: Some(exception.clone()) },
        ExitKind::ProcessLimit { limit: 5, code: 2, exception: None },
        ExitKind::Trap { message: "stack overflow".to_owned() },
        ExitKind::Denied,
        ExitKind::Cancelled,
    ];
    let history = open(dir.path());
    for exit in &exits {
        finish(begin(&history, ""), exit);
    }
    drop(history);
    let read: Vec<_> =
        open(dir.path()).recent(99).unwrap().into_iter().rev().map(|r| r.exit.unwrap()).collect();
    assert_eq!(read, exits);
}

#[test]
fn newest_come_first_and_no_more_than_asked_for() {
    let dir = TempDir::new().unwrap();
    let history = open(dir.path());
    let mut made: Vec<_> = (0..7).map(|_| run(&history, "")).collect();
    history.flush().unwrap();
    // Some in the database, some in the journal, one across both.
    let across = begin(&history, "");
    history.flush().unwrap();
    made.push(finish(across, &ExitKind::Denied));
    made.extend((0..3).map(|_| run(&history, "")));
    made.reverse();
    assert_eq!(ids(&history.recent(100).unwrap()), made);
    assert_eq!(ids(&history.recent(5).unwrap()), made[..5]);
    assert_eq!(history.recent(0).unwrap(), []);
    assert!(history.recent(100).unwrap().iter().all(|r| r.state == RecordState::Finished));
}

#[test]
fn code_is_kept_only_if_the_owner_says_so_and_only_so_much() {
    for store_code in [false, true] {
        let dir = TempDir::new().unwrap();
        let history = History::open(dir.path(), HistoryOptions { store_code, ..Default::default() }).unwrap();
        run(&history, "secret()");
        run(&history, &"#".repeat(MAX_CODE));
        run(&history, &"#".repeat(MAX_CODE + 1));
        let codes: Vec<_> = history.recent(9).unwrap().into_iter().map(|r| r.code.map(|c| c.len())).collect();
        let expected = if store_code { [None, Some(MAX_CODE), Some(8)] } else { [None; 3] };
        assert_eq!(codes, expected);
        drop(history);
        let mut all = Vec::new();
        for file in files(dir.path(), "history") {
            fs::File::open(file).unwrap().read_to_end(&mut all).unwrap();
        }
        assert_eq!(all.windows(8).any(|w| w == b"secret()"), store_code);
    }
}

#[test]
fn what_a_guest_can_make_long_is_cut() {
    let dir = TempDir::new().unwrap();
    let history = open(dir.path());
    let policy = PolicyVerdict {
        allowed: false,
        risk: RiskLevel::High,
        findings: (0..MAX_FINDINGS + 7).map(finding).collect(),
    };
    let limits = limits();
    let long = || ExceptionInfo { type_name: "é".repeat(MAX_MESSAGE), message: "é".repeat(MAX_MESSAGE) };
    let limit = ByteSize::from_mb(1);
    for exit in [
        ExitKind::Exception { code: 1, exception: long() },
        ExitKind::MemoryLimit { limit, exception: Some(long()) },
        ExitKind::DiskLimit { limit, code: 1, exception: Some(long()) },
        ExitKind::ProcessLimit { limit: 5, code: 1, exception: Some(long()) },
        ExitKind::Trap { message: "é".repeat(MAX_MESSAGE) },
    ] {
        let (id, language) = (ExecutionId::new(), Language::Shell);
        let pending = history
            .begin(&BeginRecord { id, language, backend: None, code: "", policy: &policy, limits: &limits })
            .unwrap();
        finish(pending, &exit);
        let record = history.recent(1).unwrap().remove(0);
        assert_eq!(record.policy.findings.len(), MAX_FINDINGS);
        assert_eq!(record.findings_left_out, 7);
        let exit = record.exit.unwrap();
        let mut texts = vec![];
        if let ExitKind::Trap { message } = &exit {
            texts.push(message);
        }
        texts.extend(exit.exception().into_iter().flat_map(|e| [&e.type_name, &e.message]));
        assert!(!texts.is_empty());
        for text in texts {
            assert!(
                text.len() <= MAX_MESSAGE && text.len() > MAX_MESSAGE - 4 && text.ends_with("é…"),
                "{exit:?}"
            );
        }
    }
}

#[test]
fn others_see_what_runs_and_what_was_given_up() {
    let dir = TempDir::new().unwrap();
    // Two openings in one process are to each other as two processes are.
    let (ours, theirs) = (open(dir.path()), open(dir.path()));
    for flushed in [false, true] {
        let pending = begin(&ours, "");
        if flushed {
            ours.flush().unwrap();
        }
        for history in [&ours, &theirs] {
            let record = history.recent(1).unwrap().remove(0);
            assert_eq!((record.id, record.state, record.exit), (pending.id(), RecordState::Running, None));
        }
        // Nothing that another does changes it.
        theirs.flush().unwrap();
        assert_eq!(ours.recent(1).unwrap()[0].state, RecordState::Running);
        drop(pending);
        for history in [&ours, &theirs] {
            assert_eq!(history.recent(1).unwrap()[0].state, RecordState::Interrupted);
        }
    }
}

#[test]
fn a_pending_execution_outlives_the_history_it_came_from() {
    let dir = TempDir::new().unwrap();
    let pending = begin(&open(dir.path()), "");
    assert_eq!(open(dir.path()).recent(1).unwrap()[0].state, RecordState::Running);
    let id = finish(pending, &ExitKind::Denied);
    let record = open(dir.path()).recent(1).unwrap().remove(0);
    assert_eq!((record.id, record.state), (id, RecordState::Finished));
}

#[test]
fn short_lived_histories_leave_short_journals_and_not_too_many() {
    let dir = TempDir::new().unwrap();
    let made: HashSet<_> = (0..150).map(|_| run(&open(dir.path()), "")).collect();
    let left = files(dir.path(), "journal-");
    assert!((1..=64).contains(&left.len()), "{} journals", left.len());
    let history = open(dir.path());
    assert_eq!(ids(&history.recent(999).unwrap()).into_iter().collect::<HashSet<_>>(), made);
    history.flush().unwrap();
    assert_eq!(files(dir.path(), "journal-").len(), 1, "only our own is left");
    assert_eq!(ids(&history.recent(999).unwrap()).into_iter().collect::<HashSet<_>>(), made);
}

#[test]
fn closing_after_the_database_was_used_leaves_only_that() {
    let dir = TempDir::new().unwrap();
    let history = open(dir.path());
    run(&history, "");
    history.flush().unwrap();
    run(&history, "");
    drop(history);
    assert_eq!(files(dir.path(), "journal-"), [] as [PathBuf; 0]);
    assert_eq!(files(dir.path(), "new-"), [] as [PathBuf; 0]);
    assert_eq!(files(dir.path(), "history.sqlite").first(), Some(&dir.path().join("history.sqlite")));
    // A history that recorded nothing and found nothing touches no database.
    let other = TempDir::new().unwrap();
    drop(open(other.path()));
    assert_eq!(files(other.path(), "history"), [] as [PathBuf; 0]);
}

#[test]
fn a_history_that_stays_open_moves_its_events_by_itself() {
    let dir = TempDir::new().unwrap();
    let history = open(dir.path());
    run(&history, "");
    let deadline = Instant::now() + Duration::from_secs(20);
    let journal = files(dir.path(), "journal-").remove(0);
    while fs::metadata(&journal).unwrap().len() > 0 {
        assert!(Instant::now() < deadline, "the journal is never emptied");
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(history.recent(9).unwrap().len(), 1);
}

#[test]
fn a_long_journal_is_emptied_too() {
    let dir = TempDir::new().unwrap();
    let history =
        History::open(dir.path(), HistoryOptions { store_code: true, ..Default::default() }).unwrap();
    let code = "#".repeat(MAX_CODE - 1);
    let made: HashSet<_> = (0..24).map(|_| run(&history, &code)).collect();
    history.flush().unwrap();
    assert_eq!(fs::metadata(files(dir.path(), "journal-").remove(0)).unwrap().len(), 0);
    assert_eq!(ids(&history.recent(99).unwrap()).into_iter().collect::<HashSet<_>>(), made);
    // So is the database's own log of 24 MB and more, but for what is too little to be worth it, unless somebody is reading.
    let log = || fs::metadata(dir.path().join("history.sqlite-wal")).unwrap().len();
    let little = 6 << 20;
    assert!(log() < little, "{}", log());
    let reader = rusqlite::Connection::open(dir.path().join("history.sqlite")).unwrap();
    let mut select = reader.prepare("SELECT id FROM runs").unwrap();
    let mut rows = select.query([]).unwrap();
    rows.next().unwrap().unwrap();
    for _ in 0..6 {
        run(&history, &code);
    }
    let begun = Instant::now();
    history.flush().unwrap();
    assert!(begun.elapsed() < Duration::from_millis(1500), "{:?}", begun.elapsed());
    assert!(log() >= little, "{}", log());
    drop(rows);
    run(&history, &code);
    history.flush().unwrap();
    assert!(log() < little, "{}", log());
}

#[test]
fn a_backlog_is_moved_by_whoever_would_add_to_it() {
    let dir = TempDir::new().unwrap();
    let history =
        History::open(dir.path(), HistoryOptions { store_code: true, ..Default::default() }).unwrap();
    run(&history, "");
    history.flush().unwrap();
    // Nobody can move anything while this lasts.
    let blocker = rusqlite::Connection::open(dir.path().join("history.sqlite")).unwrap();
    blocker.execute_batch("BEGIN IMMEDIATE").unwrap();
    let code = "#".repeat(MAX_CODE);
    let (policy, limits) = (verdict(), limits());
    let mut ends = Vec::new();
    let error = loop {
        assert!(ends.len() < 70, "nobody stops this");
        let (id, language) = (ExecutionId::new(), Language::Python);
        let begin =
            BeginRecord { id, language, backend: None, code: &code, policy: &policy, limits: &limits };
        match history.begin(&begin) {
            Ok(pending) => ends.push(pending),
            Err(error) => break error,
        }
    };
    assert!(matches!(error.kind, HistoryErrorKind::Database(_)), "{error:?}");
    let begun = ends.len();
    // What has begun may end all the same.
    for pending in ends {
        finish(pending, &ExitKind::Denied);
    }
    blocker.execute_batch("COMMIT").unwrap();
    run(&history, &code);
    let records = history.recent(999).unwrap();
    assert_eq!(records.len(), begun + 2);
    assert!(records.iter().all(|r| r.state == RecordState::Finished));
}

#[test]
fn threads_do_not_get_in_each_others_way() {
    let dir = TempDir::new().unwrap();
    let history = open(dir.path());
    let made: HashSet<ExecutionId> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..8)
            .map(|n| {
                let history = history.clone();
                scope.spawn(move || {
                    let mut made = Vec::new();
                    for i in 0..100 {
                        made.push(run(&history, ""));
                        if i % 40 == n {
                            history.flush().unwrap();
                        }
                        if i % 40 == n + 10 {
                            assert!(history.recent(20).unwrap().len() >= made.len().min(20));
                        }
                    }
                    made
                })
            })
            .collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    });
    assert_eq!(made.len(), 800);
    let records = history.recent(1000).unwrap();
    assert_eq!(ids(&records).into_iter().collect::<HashSet<_>>(), made);
    assert!(records.iter().all(|r| r.state == RecordState::Finished));
}

#[test]
fn it_is_bounded_by_count() {
    let dir = TempDir::new().unwrap();
    let options = HistoryOptions { max_records: 5, ..Default::default() };
    let history = History::open(dir.path(), options.clone()).unwrap();
    let mut made: Vec<_> = (0..12).map(|_| run(&history, "")).collect();
    made.reverse();
    assert_eq!(ids(&history.recent(100).unwrap()), made[..5], "not moved yet");
    history.flush().unwrap();
    assert_eq!(ids(&history.recent(100).unwrap()), made[..5], "moved");
    drop(history);
    // And gone from the database itself.
    assert_eq!(ids(&open(dir.path()).recent(100).unwrap()), made[..5]);
    // An eighth more may stay until there is more.
    let dir = TempDir::new().unwrap();
    let history =
        History::open(dir.path(), HistoryOptions { max_records: 80, ..Default::default() }).unwrap();
    for n in 1..=200 {
        run(&history, "");
        history.flush().unwrap();
        let rows: i64 = rusqlite::Connection::open(dir.path().join("history.sqlite"))
            .unwrap()
            .query_row("SELECT count(*) FROM runs", [], |row| row.get(0))
            .unwrap();
        assert!(rows <= 90 && rows >= n.min(80), "{rows} rows after {n}");
    }
}

#[test]
fn it_is_bounded_by_age() {
    let dir = TempDir::new().unwrap();
    let old = {
        let history = open(dir.path());
        [run(&history, ""), run(&history, "")]
    };
    std::thread::sleep(Duration::from_millis(600));
    let options = HistoryOptions { max_age: Duration::from_millis(500), ..Default::default() };
    let history = History::open(dir.path(), options).unwrap();
    let new = run(&history, "");
    assert_eq!(ids(&history.recent(9).unwrap()), [new], "the old ones are not shown");
    assert_eq!(ids(&open(dir.path()).recent(9).unwrap()), [new, old[1], old[0]], "they are there still");
    history.flush().unwrap();
    drop(history);
    assert_eq!(ids(&open(dir.path()).recent(9).unwrap()), [new]);
}

#[test]
fn files_are_private() {
    let parent = TempDir::new().unwrap();
    let dir = parent.path().join("a/b");
    let history = open(&dir);
    run(&history, "");
    history.flush().unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    assert_eq!(mode(&dir), 0o700);
    let all = files(&dir, "");
    assert!(all.len() >= 4, "{all:?}");
    for file in all {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }
}

#[test]
fn a_directory_that_others_may_write_to_is_refused() {
    let dir = TempDir::new().unwrap();
    for (mode, refused) in [(0o770, true), (0o707, true), (0o1777, true), (0o755, false), (0o700, false)] {
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(mode)).unwrap();
        match History::open(dir.path(), HistoryOptions::default()) {
            Ok(_) => assert!(!refused, "{mode:o}"),
            Err(error) => {
                assert!(refused, "{error}");
                assert!(matches!(error.kind, HistoryErrorKind::NotPrivate { mode: found } if found == mode));
                assert!(error.to_string().contains(&format!("mode {mode:04o}")), "{error}");
            }
        }
    }
}

#[test]
fn a_directory_that_cannot_be_is_an_error_that_says_so() {
    let parent = TempDir::new().unwrap();
    let file = parent.path().join("file");
    fs::write(&file, "").unwrap();
    let error = History::open(&file.join("sub"), HistoryOptions::default()).unwrap_err();
    assert!(matches!(error.kind, HistoryErrorKind::CreateDirectory(_)));
    assert!(error.to_string().starts_with("no history directory at "), "{error}");
    assert!(std::error::Error::source(&error).is_some());
    let error = History::open(&file, HistoryOptions::default()).unwrap_err();
    assert!(matches!(error.kind, HistoryErrorKind::CreateDirectory(_)));
}

#[test]
fn a_link_on_the_way_to_the_directory_is_no_hindrance() {
    let parent = TempDir::new().unwrap();
    fs::create_dir(parent.path().join("real")).unwrap();
    fs::set_permissions(parent.path().join("real"), fs::Permissions::from_mode(0o700)).unwrap();
    std::os::unix::fs::symlink("real", parent.path().join("link")).unwrap();
    let id = run(&open(&parent.path().join("link")), "");
    assert_eq!(ids(&open(&parent.path().join("real")).recent(9).unwrap()), [id]);
}

#[test]
fn in_memory_keeps_the_newest() {
    let history = History::in_memory(3);
    let pushed_out = begin(&history, "");
    let mut made: Vec<_> = (0..3).map(|_| run(&history, "secret")).collect();
    finish(pushed_out, &ExitKind::Denied);
    drop(begin(&history, ""));
    made.reverse();
    let records = history.clone().recent(9).unwrap();
    assert_eq!(ids(&records)[1..], made[..2]);
    assert_eq!(records[0].state, RecordState::Interrupted);
    assert_eq!(records[1].code, None);
    assert_eq!(records[1].exit, Some(ExitKind::Exited { code: 0 }));
    history.flush().unwrap();
    assert_eq!(history.recoveries().unwrap(), []);
    assert!(format!("{history:?}").contains("memory"));
}

#[test]
fn disabled_keeps_nothing() {
    let history = History::disabled();
    run(&history, "");
    history.flush().unwrap();
    assert_eq!(history.recent(9).unwrap(), []);
    assert_eq!(history.recoveries().unwrap(), []);
    assert!(format!("{history:?}").contains("nowhere"));
}

#[test]
fn the_database_can_be_read_by_people() {
    let dir = TempDir::new().unwrap();
    let history = open(dir.path());
    run(&history, "");
    history.flush().unwrap();
    let row: (String, String, String, f64) = rusqlite::Connection::open(dir.path().join("history.sqlite"))
        .unwrap()
        .query_row("SELECT language, backend, exit, wall_ms FROM executions", [], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
        })
        .unwrap();
    assert_eq!(row, ("python".to_owned(), "wasm".to_owned(), "exited".to_owned(), 1.5));
}

// Damage.

#[test]
fn a_torn_journal_loses_only_what_is_torn() {
    let made_in = TempDir::new().unwrap();
    let history = open(made_in.path());
    let whole = run(&history, "");
    let journal = files(made_in.path(), "journal-").remove(0);
    let before = fs::read(&journal).unwrap();
    let torn = run(&history, "");
    let after = fs::read(&journal).unwrap();
    // Where the last run's first line ends.
    let begun = before.len() + after[before.len()..].iter().position(|&b| b == b'\n').unwrap() + 1;
    // Every length is tried where lines are parsed, in `src/history/journal.rs`.
    let lengths = (before.len()..after.len()).step_by(29);
    for len in lengths.chain([begun - 1, begun, begun + 1, after.len() - 1, after.len()]) {
        let dir = TempDir::new().unwrap();
        let name = format!("journal-{}", ExecutionId::new());
        fs::write(dir.path().join(&name), &after[..len]).unwrap();
        let history = open(dir.path());
        let check = |when: &str| {
            let records = history.recent(9).unwrap();
            let expected = if len >= begun { &[torn, whole][..] } else { &[whole] };
            assert_eq!(ids(&records), expected, "{when}, {len} bytes");
            if len >= begun {
                let complete = len == after.len();
                let state = if complete { RecordState::Finished } else { RecordState::Interrupted };
                assert_eq!(records[0].state, state, "{when}, {len} bytes");
            }
            assert_eq!(records.last().unwrap().state, RecordState::Finished);
        };
        check("before it is moved");
        history.flush().unwrap();
        check("after it was moved");
        assert!(!dir.path().join(&name).exists());
        assert_eq!(history.recoveries().unwrap(), [], "a write cut short is no damage");
    }
}

#[test]
fn a_damaged_journal_is_moved_aside() {
    let made_in = TempDir::new().unwrap();
    let history = open(made_in.path());
    let made = [run(&history, "1"), run(&history, "2"), run(&history, "3")];
    let mut text = fs::read(files(made_in.path(), "journal-").remove(0)).unwrap();
    drop(history);
    // One bit of the second run's first line.
    let second = text.iter().enumerate().filter(|(_, b)| **b == b'\n').nth(1).unwrap().0 + 1;
    text[second + 100] ^= 1;
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join(format!("journal-{}", ExecutionId::new())), &text).unwrap();
    let history = open(dir.path());
    history.flush().unwrap();
    assert_eq!(ids(&history.recent(9).unwrap()), [made[2], made[0]]);
    let recoveries = history.recoveries().unwrap();
    assert_eq!(recoveries.len(), 1);
    assert_eq!(recoveries[0].kind, RecoveryKind::Journal);
    assert_eq!(fs::read(&recoveries[0].moved_to).unwrap(), text);
}

#[test]
fn lines_that_are_no_events_are_no_hindrance() {
    let dir = TempDir::new().unwrap();
    let journal = dir.path().join(format!("journal-{}", ExecutionId::new()));
    fs::write(&journal, b"\n\nshort\n0123456789abcdef x\n\xff\xfe\n").unwrap();
    // Neither is what only has the name.
    fs::create_dir(dir.path().join("journal-directory")).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", dir.path().join("journal-link")).unwrap();
    std::os::unix::fs::symlink("/nowhere", dir.path().join("journal-dangling")).unwrap();
    let history = open(dir.path());
    let id = run(&history, "");
    history.flush().unwrap();
    assert_eq!(ids(&history.recent(9).unwrap()), [id]);
    assert!(!journal.exists());
}

/// A database of forty runs, its write-ahead log folded in.
fn database() -> Vec<u8> {
    let dir = TempDir::new().unwrap();
    let history = open(dir.path());
    for _ in 0..40 {
        run(&history, "");
    }
    history.flush().unwrap();
    drop(history);
    let path = dir.path().join("history.sqlite");
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection.pragma_update(None, "wal_checkpoint", "TRUNCATE").unwrap();
    drop(connection);
    fs::read(path).unwrap()
}

/// Opens a history over this database and uses it: nothing may fail, and what is recorded now must be there.
fn use_damaged(database: &[u8]) -> (TempDir, Vec<bailiwick::history::Recovery>, usize) {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("history.sqlite"), database).unwrap();
    let history = open(dir.path());
    history.recent(100).unwrap();
    let first = run(&history, "");
    history.flush().unwrap();
    history.recent(100).unwrap();
    let second = run(&history, "");
    history.flush().unwrap();
    let records = ids(&history.recent(100).unwrap());
    assert!(records.contains(&second) && records.contains(&first));
    (dir, history.recoveries().unwrap(), records.len())
}

#[test]
fn garbage_in_place_of_the_database_is_moved_aside() {
    let garbage: Vec<u8> = (0..20_000u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let (dir, recoveries, records) = use_damaged(&garbage);
    assert_eq!(records, 2);
    assert_eq!(recoveries.len(), 1);
    assert_eq!(recoveries[0].kind, RecoveryKind::Database);
    assert_eq!(fs::read(&recoveries[0].moved_to).unwrap(), garbage);
    let text = format!("{:?}", files(dir.path(), "damaged-"));
    assert!(text.contains(".sqlite"), "{text}");
    assert_eq!(open(dir.path()).recoveries().unwrap(), recoveries, "the next one to open it is told as well");
}

#[test]
fn a_truncated_database_is_no_hindrance() {
    let whole = database();
    let (_dir, recoveries, records) = use_damaged(&whole);
    assert_eq!((recoveries.len(), records), (0, 42), "undamaged, it is used");
    for len in [
        0,
        1,
        15,
        16,
        99,
        100,
        511,
        512,
        1024,
        4095,
        4096,
        4097,
        8192,
        12288,
        whole.len() / 2,
        whole.len() - 1,
    ] {
        let (_dir, recoveries, records) = use_damaged(&whole[..len]);
        // Of a last page that lacks a byte, one run may be unreadable.
        assert!(matches!(records, 2 | 41 | 42), "{len}: {records}");
        if len >= 4096 && len + 4096 < whole.len() {
            assert_eq!((recoveries.len(), records), (1, 2), "{len}");
        }
    }
}

#[test]
fn a_database_damaged_in_one_page_is_no_hindrance() {
    let whole = database();
    for page in 0..whole.len() / 4096 {
        let mut damaged = whole.clone();
        let start = page * 4096;
        damaged[start..start + 4096].fill(0xa5);
        use_damaged(&damaged);
    }
}

#[test]
fn damage_under_an_open_history_costs_nothing_that_is_still_in_a_journal() {
    let dir = TempDir::new().unwrap();
    let (ours, theirs) = (open(dir.path()), open(dir.path()));
    run(&ours, "");
    ours.flush().unwrap();
    theirs.recent(1).unwrap();
    let (a, b) = (run(&ours, ""), run(&theirs, ""));
    // Another program's file in place of ours.
    let replace = || {
        for file in files(dir.path(), "history.sqlite") {
            fs::remove_file(file).unwrap();
        }
        fs::write(dir.path().join("history.sqlite"), [0x5a; 8192]).unwrap();
    };
    replace();
    ours.flush().unwrap();
    theirs.flush().unwrap();
    for history in [&ours, &theirs] {
        assert_eq!(ids(&history.recent(9).unwrap()), [b, a]);
        assert_eq!(history.recoveries().unwrap().len(), 1);
    }
    // And again, so that only the newest few are kept.
    for _ in 0..5 {
        replace();
        run(&ours, "");
        ours.flush().unwrap();
    }
    let kept = files(dir.path(), "damaged-").into_iter().filter(|p| p.extension().unwrap() == "sqlite");
    assert_eq!(kept.count(), 3);
}

#[test]
fn a_database_of_another_version_is_left_alone() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("history.sqlite");
    rusqlite::Connection::open(&path).unwrap().pragma_update(None, "user_version", 77).unwrap();
    let history = open(dir.path());
    let id = run(&history, "");
    let error = history.flush().unwrap_err();
    assert!(matches!(error.kind, HistoryErrorKind::UnknownSchema { found: 77 }), "{error:?}");
    assert!(error.to_string().contains("has version 77"), "{error}");
    drop(history);
    assert_eq!(files(dir.path(), "damaged-"), [] as [PathBuf; 0]);
    // What was recorded waits for a version that can use it.
    fs::remove_file(&path).unwrap();
    assert_eq!(ids(&open(dir.path()).recent(9).unwrap()), [id]);
}

#[test]
fn a_locked_database_holds_nobody_up() {
    let dir = TempDir::new().unwrap();
    let history = open(dir.path());
    run(&history, "");
    history.flush().unwrap();
    let blocker = rusqlite::Connection::open(dir.path().join("history.sqlite")).unwrap();
    blocker.execute_batch("BEGIN IMMEDIATE").unwrap();
    let begun = Instant::now();
    let id = run(&history, "");
    let took = begun.elapsed();
    assert!(took < Duration::from_millis(500), "{took:?}");
    assert_eq!(ids(&history.recent(1).unwrap()), [id]);
    let error = history.flush().unwrap_err();
    assert!(matches!(error.kind, HistoryErrorKind::Database(_)), "{error:?}");
    assert!(error.to_string().contains("locked"), "{error}");
    blocker.execute_batch("COMMIT").unwrap();
    history.flush().unwrap();
    assert_eq!(history.recent(9).unwrap().len(), 2);
}

// Other processes: this same binary, told by its environment what to do.

const CHILD_DIR: &str = "BAILIWICK_TEST_HISTORY_DIR";
const CHILD_RUNS: &str = "BAILIWICK_TEST_HISTORY_RUNS";

/// Not a test: what [`spawn`] runs. Records executions and prints each id as soon as it is acknowledged, then
/// begins one more, prints that and waits to be killed, or ends if it is told how many to do.
#[test]
#[ignore = "run by other tests, as a process of its own"]
fn child() {
    let Some(dir) = std::env::var_os(CHILD_DIR) else { return };
    let runs = std::env::var(CHILD_RUNS).unwrap();
    let history = open(Path::new(&dir));
    let say = |what: &str, id: ExecutionId| {
        // By hand: `println!` is captured in tests. One write, so that no line is torn.
        std::io::stdout().lock().write_all(format!("{what} {id}\n").as_bytes()).unwrap();
    };
    if let Ok(runs) = runs.parse::<u32>() {
        for _ in 0..runs {
            say("finished", run(&history, ""));
        }
        return;
    }
    loop {
        let pending = begin(&history, "");
        say("begun", pending.id());
        if runs == "hang" {
            std::thread::sleep(Duration::from_secs(600));
        }
        say("finished", finish(pending, &ExitKind::Exited { code: 0 }));
    }
}

fn spawn(dir: &Path, runs: &str) -> (Child, BufReader<ChildStdout>) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child", "--ignored", "--nocapture", "--test-threads=1"])
        .env(CHILD_DIR, dir)
        .env(CHILD_RUNS, runs)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let out = BufReader::new(child.stdout.take().unwrap());
    (child, out)
}

/// The ids in what a child said of `what`.
fn said(lines: &str, what: &str) -> HashSet<ExecutionId> {
    lines
        .lines()
        // The first one may follow the test harness's own words.
        .filter_map(|line| line.rsplit_once(&format!("{what} ")).and_then(|(_, id)| id.parse().ok()))
        .collect()
}

#[test]
fn what_was_acknowledged_survives_kill_9() {
    let dir = TempDir::new().unwrap();
    let (mut finished, mut begun) = (HashSet::new(), HashSet::new());
    for round in 0..12u64 {
        let (mut child, mut out) = spawn(dir.path(), "spin");
        let mut lines = String::new();
        while said(&lines, "finished").is_empty() {
            assert!(out.read_line(&mut lines).unwrap() > 0, "the child died: {lines}");
        }
        // Before the first batch is moved, during, and after.
        let reader = std::thread::spawn(move || {
            let mut rest = Vec::new();
            out.read_to_end(&mut rest).unwrap();
            String::from_utf8_lossy(&rest).into_owned()
        });
        std::thread::sleep(Duration::from_millis(round * 23));
        child.kill().unwrap();
        child.wait().unwrap();
        lines.push_str(&reader.join().unwrap());
        finished.extend(said(&lines, "finished"));
        begun.extend(said(&lines, "begun"));
    }
    let history = open(dir.path());
    for when in ["from the journals", "from the database"] {
        let records = history.recent(usize::MAX).unwrap();
        let by =
            |state| -> HashSet<_> { records.iter().filter(|r| r.state == state).map(|r| r.id).collect() };
        assert_eq!(by(RecordState::Running), HashSet::new(), "{when}");
        let kept = by(RecordState::Finished);
        let lost: Vec<_> = finished.difference(&kept).collect();
        assert!(lost.is_empty(), "{when}, of {} acknowledged: {lost:?}", finished.len());
        let all: HashSet<_> = ids(&records).into_iter().collect();
        assert!(begun.is_subset(&all), "{when}");
        history.flush().unwrap();
    }
    assert_eq!(history.recoveries().unwrap(), []);
    assert_eq!(files(dir.path(), "journal-").len(), 1, "only our own is left");
}

#[test]
fn a_run_killed_half_way_shows() {
    let dir = TempDir::new().unwrap();
    let history = open(dir.path());
    let (mut child, mut out) = spawn(dir.path(), "hang");
    let mut lines = String::new();
    let id = loop {
        assert!(out.read_line(&mut lines).unwrap() > 0);
        if let Some(id) = said(&lines, "begun").into_iter().next() {
            break id;
        }
    };
    let record = history.recent(1).unwrap().remove(0);
    assert_eq!((record.id, record.state), (id, RecordState::Running));
    child.kill().unwrap();
    child.wait().unwrap();
    for _ in 0..2 {
        let record = history.recent(1).unwrap().remove(0);
        assert_eq!((record.id, record.state, record.exit), (id, RecordState::Interrupted, None));
        history.flush().unwrap();
    }
}

#[test]
fn several_processes_at_once() {
    let dir = TempDir::new().unwrap();
    let history = open(dir.path());
    let children: Vec<_> = (0..4).map(|_| spawn(dir.path(), "150")).collect();
    let mut made = HashSet::new();
    for _ in 0..40 {
        made.insert(run(&history, ""));
        history.recent(50).unwrap();
        history.flush().unwrap();
    }
    for (mut child, mut out) in children {
        let mut lines = String::new();
        out.read_to_string(&mut lines).unwrap();
        assert!(child.wait().unwrap().success(), "{lines}");
        let finished = said(&lines, "finished");
        assert_eq!(finished.len(), 150);
        made.extend(finished);
    }
    let records = history.recent(10_000).unwrap();
    assert_eq!(ids(&records).into_iter().collect::<HashSet<_>>(), made);
    assert_eq!(records.len(), made.len());
    assert!(records.iter().all(|r| r.state == RecordState::Finished));
}

/// `cargo test --release --test history -- --ignored --nocapture cost`
#[test]
#[ignore = "a measurement"]
fn cost() {
    for code in ["print(1+1)", &"x = 1\n".repeat(10_000)] {
        let dir = TempDir::new().unwrap();
        let opened = Instant::now();
        let history = open(dir.path());
        let opened = opened.elapsed();
        let (policy, limits, usage) = (verdict(), limits(), usage());
        let pairs = 20_000;
        let mut times = Vec::with_capacity(pairs);
        let all = Instant::now();
        for _ in 0..pairs {
            let begun = Instant::now();
            let begin = BeginRecord {
                id: ExecutionId::new(),
                language: Language::Python,
                backend: Some(BackendName::Wasm),
                code,
                policy: &policy,
                limits: &limits,
            };
            let pending = history.begin(&begin).unwrap();
            let exit = &ExitKind::Exited { code: 0 };
            let end = FinishRecord { backend: None, exit, usage: &usage, stdout_bytes: 2, stderr_bytes: 0 };
            pending.finish(&end).unwrap();
            times.push(begun.elapsed());
        }
        let all = all.elapsed();
        times.sort_unstable();
        let micros = |at: usize| times[at].as_nanos() as f64 / 1e3;
        let flushed = Instant::now();
        history.flush().unwrap();
        println!(
            "{} bytes of code: open {opened:?}; begin and finish {:.1} us median, {:.1} us p99, {:.1} us max, {:.1} us mean; flush {:?}",
            code.len(),
            micros(pairs / 2),
            micros(pairs * 99 / 100),
            micros(pairs - 1),
            all.as_nanos() as f64 / 1e3 / pairs as f64,
            flushed.elapsed()
        );
        let read = Instant::now();
        history.recent(20).unwrap();
        println!("recent(20) {:?}", read.elapsed());
        drop(history);
        let mut whole = Vec::new();
        for _ in 0..50 {
            let begun = Instant::now();
            let history = open(dir.path());
            run(&history, code);
            drop(history);
            whole.push(begun.elapsed());
        }
        whole.sort_unstable();
        println!("open, begin, finish, close: {:?} median", whole[25]);
    }
}
