//! Limits and their configuration.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use bailiwick::config::{BUILTIN_LIMITS, ConfigErrorKind, LIMITS_SCHEMA};
use bailiwick::limits::{Amount, LimitErrorKind, LimitName};
use bailiwick::{ByteSize, Language, LimitOverrides, Limits, LimitsConfig};
use std::error::Error;
use std::time::Duration;

fn mb(n: u64) -> ByteSize {
    ByteSize::from_mb(n)
}

fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

#[test]
fn the_built_in_file_says_what_is_built_in() {
    assert_eq!(LimitsConfig::from_yaml("builtin", BUILTIN_LIMITS).unwrap(), LimitsConfig::builtin());
    assert_eq!(LimitsConfig::default(), LimitsConfig::builtin());
    // Every key is in the file: what the file left out would come from the code.
    let file: serde_json::Value = serde_yaml::from_str(BUILTIN_LIMITS).unwrap();
    for section in ["python", "javascript", "shell", "ceiling"] {
        let keys = file[section].as_object().unwrap();
        assert_eq!(keys.len(), if section == "shell" { 7 } else { 8 }, "{section}");
    }
}

#[test]
fn the_defaults_are_the_users() {
    let config = LimitsConfig::builtin();
    let of = |language| {
        let limits: Limits = config.for_language(language);
        assert_eq!(
            (limits.cpu_cores, limits.processes, limits.disk, limits.output, limits.open_files),
            (1.0, 5, mb(100), mb(10), 64)
        );
        (limits.memory, limits.wall_time, limits.fuel)
    };
    assert_eq!(of(Language::Python), (mb(512), seconds(30), Some(200_000_000_000)));
    assert_eq!(of(Language::JavaScript), (mb(256), seconds(15), Some(200_000_000_000)));
    assert_eq!(of(Language::Shell), (mb(128), seconds(10), None));
    assert_eq!(config.ceiling().memory, mb(2048));
}

/// A small check of what JSON schemas this file's own schema uses: enough to tell that the built-in file fits it.
fn fits(
    schema: &serde_json::Value,
    defs: &serde_json::Value,
    value: &serde_json::Value,
) -> Result<(), String> {
    let schema = match schema["$ref"].as_str() {
        Some(name) => &defs[name.strip_prefix("#/$defs/").unwrap()],
        None => schema,
    };
    if let Some(any) = schema["oneOf"].as_array() {
        let fitting = any.iter().filter(|schema| fits(schema, defs, value).is_ok()).count();
        return if fitting == 1 { Ok(()) } else { Err(format!("{value} fits {fitting} of {any:?}")) };
    }
    let right = match schema["type"].as_str().unwrap() {
        "object" => {
            for (key, value) in value.as_object().ok_or_else(|| format!("{value} is no object"))? {
                let schema = schema["properties"].get(key).ok_or_else(|| format!("unknown key {key}"))?;
                fits(schema, defs, value)?;
            }
            true
        }
        "string" => {
            let pattern = regex::Regex::new(schema["pattern"].as_str().unwrap()).unwrap();
            value.as_str().is_some_and(|text| pattern.is_match(text))
        }
        "integer" => value.as_u64().is_some_and(|n| n >= schema["minimum"].as_u64().unwrap()),
        "number" => value.as_f64().is_some_and(|n| n >= schema["minimum"].as_f64().unwrap()),
        other => unreachable!("{other}"),
    };
    if right { Ok(()) } else { Err(format!("{value} does not fit {schema}")) }
}

#[test]
fn the_schema_knows_what_the_reader_knows() {
    let schema: serde_json::Value = serde_json::from_str(LIMITS_SCHEMA).unwrap();
    let check = |yaml: &str| {
        let file = serde_yaml::from_str(yaml).unwrap();
        fits(&schema, &schema["$defs"], &file)
    };
    check(BUILTIN_LIMITS).unwrap();
    for (yaml, good) in [
        ("python: {memory: 1.5 GB, wall_time: 500 ms, fuel: 12, cpu_cores: 0.5}", true),
        ("python: {memory: 512MiB}", true),
        ("ceiling: {fuel: none}", true),
        ("python: {memory: 512}", false),
        ("python: {memory: '512'}", false),
        ("python: {memory: 512 parsecs}", false),
        ("python: {wall_time: 30}", false),
        ("python: {wall_time: 30 fortnights}", false),
        ("python: {fuel: -1}", false),
        ("python: {fuel: many}", false),
        ("python: {processes: 0}", false),
        ("python: {open_files: 3}", false),
        ("python: {cpu_cores: 0}", false),
        ("python: {color: red}", false),
        ("perl: {}", false),
    ] {
        assert_eq!(check(yaml).is_ok(), good, "schema: {yaml}");
        assert_eq!(LimitsConfig::from_yaml("f", yaml).is_ok(), good, "reader: {yaml}");
    }
}

#[test]
fn a_file_replaces_what_it_names() {
    let yaml = "python:\n  memory: 64 MB\n  wall_time: 1.5 s\n  fuel: 1_000\nceiling:\n  fuel: none\n  wall_time: 1 h\n";
    let config = LimitsConfig::from_yaml("f", yaml).unwrap();
    let python = config.for_language(Language::Python);
    assert_eq!(
        (python.memory, python.wall_time, python.fuel),
        (mb(64), Duration::from_millis(1500), Some(1000))
    );
    assert_eq!(python.disk, mb(100));
    assert_eq!(config.for_language(Language::Shell), LimitsConfig::builtin().for_language(Language::Shell));
    assert_eq!((config.ceiling().fuel, config.ceiling().wall_time), (None, seconds(3600)));
    for empty in ["", "\n\n", "# nothing\n  # at all\n", "python: {}\n"] {
        assert_eq!(LimitsConfig::from_yaml("f", empty).unwrap(), LimitsConfig::builtin(), "{empty:?}");
    }
}

#[test]
fn errors_name_file_line_and_key() {
    for (yaml, message) in [
        (
            "python:\n  memory: 64 MB\n  memroy: 64 MB\n",
            "f.yaml:3:3: python: unknown field `memroy`, expected one of `memory`, `cpu_cores`, `wall_time`, \
             `processes`, `disk`, `fuel`, `output`, `open_files`",
        ),
        (
            "pyhton: {}\n",
            "f.yaml:1:1: unknown field `pyhton`, expected one of `python`, `javascript`, `shell`, `ceiling`",
        ),
        (
            "python:\n  memory: 512\n",
            "f.yaml:2:11: python.memory: invalid type: integer `512`, expected a size with its unit, such as \
             `512 MB`",
        ),
        (
            "python:\n  memory: '512'\n",
            "f.yaml:2:11: python.memory: invalid value: string \"512\", expected a size with its unit, such as \
             `512 MB`",
        ),
        (
            "python:\n  memory: 5 parsecs\n",
            "f.yaml:2:11: python.memory: `5 parsecs` has an unknown unit: use bytes, KB, MB or GB",
        ),
        (
            "shell:\n  wall_time: 10\n",
            "f.yaml:2:14: shell.wall_time: invalid type: integer `10`, expected a time with its unit, such as \
             `30 s`, `500 ms` or `10 min`",
        ),
        (
            "shell:\n  wall_time: soon\n",
            "f.yaml:2:14: shell.wall_time: invalid value: string \"soon\", expected a time with its unit, such as \
             `30 s`, `500 ms` or `10 min`",
        ),
        (
            "python:\n  fuel: lots\n",
            "f.yaml:2:9: python.fuel: invalid value: string \"lots\", expected a whole number of units, such as \
             `200_000_000_000`, or `none`",
        ),
        (
            "python:\n  fuel: [1]\n",
            "f.yaml:2:9: python.fuel: invalid type: sequence, expected a whole number of \
             units, such as `200_000_000_000`, or `none`",
        ),
        (
            "# a comment\npython:\n  disk: 10 MB\n\njavascript:\n  memory: 256 MB\n  disk: 0 bytes\n",
            "f.yaml:7: javascript.disk: 0 bytes is below the least that makes sense, 1 bytes",
        ),
        (
            "python:\n  memory: 4 GB\n",
            "f.yaml:2: python.memory: the default for python, 4 GB, is above the ceiling, 2 GB",
        ),
        (
            "ceiling:\n  memory: 300 MB\n",
            "f.yaml:2: ceiling.memory: the default for python, 512 MB, is above the ceiling, 300 MB",
        ),
        (
            "ceiling: {memory: 300 MB}\n",
            "f.yaml: python.memory: the default for python, 512 MB, is above the ceiling, 300 MB",
        ),
        (
            "python: {fuel: none}\n",
            "f.yaml: python.fuel: the default for python, no limit, is above the ceiling, 8000000000000",
        ),
        ("shell:\n  fuel: 5\n", "f.yaml:2: shell.fuel: shell runs without a fuel meter"),
        (
            "python:\n  cpu_cores: .nan\n",
            "f.yaml:2: python.cpu_cores: cpu_cores for python: NaN cores asked for, not a number",
        ),
    ] {
        let error = LimitsConfig::from_yaml("f.yaml", yaml).unwrap_err();
        assert_eq!(error.to_string(), message, "{yaml}");
    }
    // Not YAML at all.
    let error = LimitsConfig::from_yaml("f.yaml", "python: [\n").unwrap_err();
    assert!(matches!(error.kind, ConfigErrorKind::Parse { .. }) && error.line.is_some(), "{error}");
    assert!(error.source().is_none());
    // A key said twice.
    let error = LimitsConfig::from_yaml("f.yaml", "python:\n  disk: 1 MB\n  disk: 2 MB\n").unwrap_err();
    assert!(error.to_string().contains("duplicate"), "{error}");
    let error = LimitsConfig::from_yaml("f.yaml", "shell:\n  fuel: 5\n").unwrap_err();
    assert!(matches!(&error.kind, ConfigErrorKind::Limit { key, .. } if key.limit == LimitName::Fuel));
    assert!(error.source().is_some());
}

#[test]
fn a_file_is_read_by_its_path() {
    let dir = tempfile::TempDir::new().unwrap();
    let path = dir.path().join("limits.yaml");
    let error = LimitsConfig::from_file(&path).unwrap_err();
    assert!(matches!(error.kind, ConfigErrorKind::Read(_)));
    assert!(error.source().is_some());
    assert!(error.to_string().starts_with(&format!("{}: cannot be read: ", path.display())), "{error}");
    std::fs::write(&path, "python:\n  processes: 7\n").unwrap();
    assert_eq!(LimitsConfig::from_file(&path).unwrap().for_language(Language::Python).processes, 7);
    std::fs::write(&path, "python:\n  processes: -7\n").unwrap();
    let error = LimitsConfig::from_file(&path).unwrap_err().to_string();
    assert!(error.starts_with(&format!("{}:2:14: python.processes: ", path.display())), "{error}");
}

#[test]
fn a_caller_asks_for_less_or_more() {
    let config = LimitsConfig::builtin();
    for language in Language::ALL {
        assert_eq!(config.resolve(language, &LimitOverrides::new()).unwrap(), config.for_language(language));
    }
    let asked = LimitOverrides::new()
        .memory(mb(2048))
        .cpu_cores(0.25)
        .wall_time(seconds(1))
        .processes(1)
        .disk(ByteSize::from_bytes(1))
        .fuel(1)
        .output(ByteSize::from_kb(1))
        .open_files(1024);
    let limits = config.resolve(Language::JavaScript, &asked).unwrap();
    assert_eq!((limits.memory, limits.cpu_cores, limits.wall_time), (mb(2048), 0.25, seconds(1)));
    assert_eq!((limits.processes, limits.disk, limits.fuel), (1, ByteSize::from_bytes(1), Some(1)));
    assert_eq!((limits.output, limits.open_files), (ByteSize::from_bytes(1024), 1024));
}

#[test]
fn what_cannot_be_is_refused_and_said() {
    use LimitErrorKind::{AboveCeiling, BelowFloor, NotANumber, NotMetered};
    let above_size = |n| AboveCeiling { ceiling: Amount::Size(mb(n)) };
    let above_count = |n| AboveCeiling { ceiling: Amount::Count(n) };
    let below_size = |n| BelowFloor { floor: Amount::Size(ByteSize::from_bytes(n)) };
    let below_count = |n| BelowFloor { floor: Amount::Count(n) };
    let new = LimitOverrides::new;
    let one_more = ByteSize::from_bytes;
    let python = Language::Python;
    let cases = [
        (python, new().memory(one_more((2 << 30) + 1)), LimitName::Memory, above_size(2048)),
        (python, new().memory(ByteSize::from_bytes(512)), LimitName::Memory, below_size(1 << 20)),
        (python, new().memory(ByteSize::ZERO), LimitName::Memory, below_size(1 << 20)),
        (python, new().cpu_cores(4.1), LimitName::CpuCores, AboveCeiling { ceiling: Amount::Cores(4.0) }),
        (python, new().cpu_cores(0.0), LimitName::CpuCores, BelowFloor { floor: Amount::Cores(0.01) }),
        (python, new().cpu_cores(-1.0), LimitName::CpuCores, BelowFloor { floor: Amount::Cores(0.01) }),
        (python, new().cpu_cores(f64::INFINITY), LimitName::CpuCores, NotANumber),
        (
            python,
            new().wall_time(seconds(601)),
            LimitName::WallTime,
            AboveCeiling { ceiling: Amount::Time(seconds(600)) },
        ),
        (
            python,
            new().wall_time(Duration::ZERO),
            LimitName::WallTime,
            BelowFloor { floor: Amount::Time(Duration::from_millis(1)) },
        ),
        (python, new().processes(65), LimitName::Processes, above_count(64)),
        (python, new().processes(0), LimitName::Processes, below_count(1)),
        (python, new().disk(one_more((1 << 30) + 1)), LimitName::Disk, above_size(1024)),
        (python, new().disk(ByteSize::ZERO), LimitName::Disk, below_size(1)),
        (python, new().fuel(8_000_000_000_001), LimitName::Fuel, above_count(8_000_000_000_000)),
        (python, new().fuel(0), LimitName::Fuel, below_count(1)),
        (python, new().output(mb(101)), LimitName::Output, above_size(100)),
        (python, new().output(ByteSize::ZERO), LimitName::Output, below_size(1)),
        (python, new().open_files(1025), LimitName::OpenFiles, above_count(1024)),
        (python, new().open_files(3), LimitName::OpenFiles, below_count(4)),
        (Language::Shell, new().fuel(5), LimitName::Fuel, NotMetered),
    ];
    let config = LimitsConfig::builtin();
    for (language, asked, limit, kind) in cases {
        let error = config.resolve(language, &asked).unwrap_err();
        assert_eq!((error.language, error.limit, error.kind), (language, limit, kind), "{asked:?}");
        let message = error.to_string();
        assert!(message.starts_with(&format!("{limit} for {language}: ")), "{message}");
    }
    let messages = [
        (new().memory(mb(3000)), "memory for python: 2.9 GB asked for, the ceiling is 2 GB"),
        (new().open_files(0), "open_files for python: 0 asked for, the least that makes sense is 4"),
        (new().cpu_cores(f64::NAN), "cpu_cores for python: NaN cores asked for, not a number"),
        (new().wall_time(seconds(3600)), "wall_time for python: 3600s asked for, the ceiling is 600s"),
    ];
    for (asked, message) in messages {
        assert_eq!(config.resolve(python, &asked).unwrap_err().to_string(), message);
    }
    let error = config.resolve(Language::Shell, &new().fuel(5)).unwrap_err();
    assert_eq!(error.to_string(), "fuel for shell: 5 asked for, but shell runs without a fuel meter");
}

#[test]
fn more_time_brings_more_fuel_unless_fuel_is_asked_for() {
    let config = LimitsConfig::builtin();
    let fuel = |language, asked: LimitOverrides| config.resolve(language, &asked).unwrap().fuel;
    let time = |n| LimitOverrides::new().wall_time(seconds(n));
    assert_eq!(fuel(Language::Python, time(1)), Some(200_000_000_000));
    assert_eq!(fuel(Language::Python, time(60)), Some(400_000_000_000));
    assert_eq!(fuel(Language::JavaScript, time(600)), Some(8_000_000_000_000));
    assert_eq!(fuel(Language::Python, time(600).fuel(7)), Some(7));
    assert_eq!(fuel(Language::Shell, time(600)), None);
    // No further than the ceiling.
    let mut ceiling = config.ceiling().clone();
    ceiling.fuel = Some(300_000_000_000);
    let config = config.with_ceiling(ceiling).unwrap();
    let limits = config.resolve(Language::Python, &time(600)).unwrap();
    assert_eq!(limits.fuel, Some(300_000_000_000));
}

#[test]
fn an_owner_sets_ceiling_and_defaults() {
    let config = LimitsConfig::builtin();
    let mut ceiling = config.ceiling().clone();
    ceiling.memory = mb(300);
    let error = config.clone().with_ceiling(ceiling.clone()).unwrap_err();
    assert_eq!((error.language, error.limit), (Language::Python, LimitName::Memory));
    let mut small = config.for_language(Language::Python);
    small.memory = mb(100);
    let config =
        config.with_language(Language::Python, small.clone()).unwrap().with_ceiling(ceiling).unwrap();
    assert_eq!(config.for_language(Language::Python), small);
    small.memory = mb(301);
    for language in [Language::Python, Language::JavaScript] {
        assert!(config.clone().with_language(language, small.clone()).is_err());
    }
    let mut shell = config.for_language(Language::Shell);
    shell.open_files = 5;
    let mut javascript = config.for_language(Language::JavaScript);
    javascript.processes = 1;
    let config = config.with_language(Language::Shell, shell.clone()).unwrap();
    let config = config.with_language(Language::JavaScript, javascript.clone()).unwrap();
    assert_eq!(config.for_language(Language::Shell), shell);
    assert_eq!(config.for_language(Language::JavaScript), javascript);
}

#[test]
fn sizes_are_read_and_written() {
    use bailiwick::limits::ParseByteSizeErrorKind::{NoNumber, OutOfRange, UnknownUnit};
    for (text, bytes) in [
        ("0", 0),
        ("4096", 4096),
        ("7 bytes", 7),
        ("1 byte", 1),
        ("1b", 1),
        ("1k", 1024),
        ("10 KB", 10_240),
        ("512 MB", 512 << 20),
        ("512MiB", 512 << 20),
        (" 1.5  gb ", 3 << 29),
        ("0.5 KiB", 512),
        ("18446744073709551615", u64::MAX),
        ("16383 g", 16383 << 30),
    ] {
        assert_eq!(text.parse::<ByteSize>().unwrap().bytes(), bytes, "{text}");
    }
    for (text, kind) in [
        ("", NoNumber),
        ("MB", NoNumber),
        ("many", NoNumber),
        ("-1", NoNumber),
        ("1.2.3 MB", NoNumber),
        ("5 parsecs", UnknownUnit),
        ("5 MB!", UnknownUnit),
        ("0.3 bytes", OutOfRange),
        ("18446744073709551616", OutOfRange),
        ("99999999999 GB", OutOfRange),
        ("99999999999.5 GB", OutOfRange),
    ] {
        let error = text.parse::<ByteSize>().unwrap_err();
        assert_eq!(error.kind, kind, "{text}");
        assert!(error.to_string().contains(&format!("`{text}`")));
    }
    for (bytes, text) in [
        (0, "0 bytes"),
        (1023, "1023 bytes"),
        (1024, "1 KB"),
        (1536, "1.5 KB"),
        (10 << 20, "10 MB"),
        (2 << 30, "2 GB"),
        (u64::MAX, "17179869184.0 GB"),
    ] {
        assert_eq!(ByteSize::from_bytes(bytes).to_string(), text);
    }
    assert_eq!(ByteSize::from(5), ByteSize::from_bytes(5));
    assert_eq!(mb(1).as_usize(), 1 << 20);
    assert_eq!(ByteSize::from_kb(u64::MAX).bytes(), u64::MAX);
    assert_eq!(serde_json::to_string(&mb(1)).unwrap(), "1048576");
    assert_eq!(serde_json::from_str::<ByteSize>("1048576").unwrap(), mb(1));
    assert_eq!(serde_json::from_str::<ByteSize>("\"1 MB\"").unwrap(), mb(1));
    assert!(serde_json::from_str::<ByteSize>("-1").is_err());
    assert!(serde_json::from_str::<ByteSize>("\"1 XB\"").is_err());
}

#[test]
fn limits_in_json_carry_their_units() {
    let limits = LimitsConfig::builtin().for_language(Language::Python);
    let json = serde_json::to_value(&limits).unwrap();
    assert_eq!(
        json,
        serde_json::json!({
            "memory_bytes": 536_870_912, "cpu_cores": 1.0, "wall_time_ms": 30_000.0, "processes": 5,
            "disk_bytes": 104_857_600, "fuel": 200_000_000_000u64, "output_bytes": 10_485_760, "open_files": 64
        })
    );
    assert_eq!(serde_json::from_value::<Limits>(json).unwrap(), limits);
}
