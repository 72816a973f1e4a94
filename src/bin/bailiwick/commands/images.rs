//! `bailiwick images`

use super::containers;
use crate::{Failure, Outcome, note, print};
use bailiwick::{BuildOptions, ExecutionEngine, HistoryPlace, ImageState, Language};
use std::io::{IsTerminal, Write};
use std::path::PathBuf;

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Args {
    /// Say which images there are, and whether they are up to date
    List {
        /// A file that says where and how containers run
        #[arg(long, value_name = "FILE")]
        containers: Option<PathBuf>,
    },
    /// Build the images that containers are made from
    Build(BuildArgs),
}

#[derive(Debug, clap::Args)]
pub(crate) struct BuildArgs {
    /// For these languages; all otherwise
    #[arg(value_name = "LANGUAGE")]
    languages: Vec<Language>,
    /// Start from this image instead of the usual public one; LANGUAGE=IMAGE where several are built
    #[arg(long = "base", value_name = "[LANGUAGE=]IMAGE")]
    bases: Vec<String>,
    /// Call the image so, in place of the usual name; for one language
    #[arg(long, value_name = "NAME")]
    tag: Option<String>,
    /// A build argument, such as PIP_INDEX_URL=...; may be repeated
    #[arg(long = "build-arg", value_name = "NAME=VALUE", value_parser = super::run::parse_env)]
    build_args: Vec<(String, String)>,
    /// The network of the build's steps
    #[arg(long, value_name = "MODE")]
    network: Option<String>,
    /// Do every step anew
    #[arg(long)]
    no_cache: bool,
    /// Say nothing of the steps
    #[arg(short, long)]
    quiet: bool,
    /// A file that says where and how containers run
    #[arg(long, value_name = "FILE")]
    containers: Option<PathBuf>,
}

pub(crate) fn run(args: &Args) -> Outcome {
    match args {
        Args::List { containers } => list(&engine(containers)?),
        Args::Build(args) => build(args),
    }
}

fn engine(file: &Option<PathBuf>) -> Result<ExecutionEngine, Failure> {
    let engine = ExecutionEngine::builder().history(HistoryPlace::Memory(1)).max_sandboxes(1);
    Ok(engine.containers(containers(file.as_deref())?).build()?)
}

fn list(engine: &ExecutionEngine) -> Outcome {
    for language in Language::ALL {
        let image = engine.image(language)?;
        let state = match image.state {
            ImageState::Current => "up to date".to_owned(),
            ImageState::Stale => format!(
                "STALE (built by version {} from other inputs): bailiwick images build {language}",
                image.built_by.as_deref().unwrap_or("unknown")
            ),
            ImageState::Missing => format!("not there: bailiwick images build {language}"),
            _ => "an image of your own".to_owned(),
        };
        let size = image.size.map_or_else(|| "-".to_owned(), |bytes| format!("{} MB", bytes / 1_000_000));
        print(&format!("{:10}  {:30}  {size:>7}  {state}\n", language.to_string(), image.name))?;
        if !image.packages.is_empty() {
            print(&format!("{:10}  with {}\n", "", image.packages.join(", ")))?;
        }
    }
    Ok(0)
}

fn build(args: &BuildArgs) -> Outcome {
    let languages = if args.languages.is_empty() { Language::ALL.to_vec() } else { args.languages.clone() };
    if args.tag.is_some() && languages.len() != 1 {
        return Err(Failure::new("--tag names one image: say which language it is for"));
    }
    let engine = engine(&args.containers)?;
    for language in languages {
        let mut options = BuildOptions::new();
        options.base = base(args, language)?;
        options.tag = args.tag.clone();
        options.args = args.build_args.clone();
        options.network = args.network.clone();
        options.no_cache = args.no_cache;
        note(&format!("building the {language} image"));
        // What a failed step printed is what a person needs; it is shown even if nothing else was.
        let mut last = Vec::new();
        let quiet = args.quiet || !std::io::stderr().is_terminal() && std::env::var_os("CI").is_none();
        let built = engine.build_image(language, &options, |line| {
            if quiet {
                last.push(line.to_owned());
                if last.len() > 40 {
                    last.remove(0);
                }
            } else {
                // Nowhere to show progress is no failure.
                let _ = writeln!(std::io::stderr(), "  {line}");
            }
        });
        match built {
            Ok(name) => print(&format!("{language}: {name}\n"))?,
            Err(error) => {
                for line in last {
                    let _ = writeln!(std::io::stderr(), "  {line}");
                }
                return Err(error.into());
            }
        }
    }
    Ok(0)
}

/// The base that was named for a language.
fn base(args: &BuildArgs, language: Language) -> Result<Option<String>, Failure> {
    let mut found = None;
    for base in &args.bases {
        match base.split_once('=') {
            Some((name, image)) => {
                let named: Language = name.parse().map_err(Failure::new)?;
                if named == language {
                    found = Some(image.to_owned());
                }
            }
            None => found = Some(base.clone()),
        }
    }
    Ok(found)
}
