//! `guest-snapshot RAW.wasm USR.tar|- OUT.wasm`: starts a guest's interpreter and keeps it as it is then.
//!
//! A part of the guests' build; see `wasm-runtimes/build.sh`.

use std::error::Error;
use std::{env, fs};

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = env::args().skip(1).collect();
    let [raw, usr, out] = args.as_slice() else {
        return Err("usage: guest-snapshot RAW.wasm USR.tar|- OUT.wasm".into());
    };
    let usr = if usr == "-" { None } else { Some(fs::read(usr)?) };
    let module = bailiwick::snapshot::take(&fs::read(raw)?, usr).map_err(|error| format!("{error:?}"))?;
    fs::write(out, &module)?;
    println!("{out}: {} bytes", module.len());
    Ok(())
}
