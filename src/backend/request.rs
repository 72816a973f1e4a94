//! A request as an interpreter gets it, in either backend.

use crate::policy::Admitted;

/// The version that `wasm-runtimes/ABI.md` describes.
const REQUEST_VERSION: u32 = 1;

/// The request as `wasm-runtimes/ABI.md` has it.
pub(crate) fn encode(admitted: &Admitted<'_>, first: bool, last: bool) -> Vec<u8> {
    encode_code(admitted.code(), admitted, first, last)
}

/// The same with other code in it.
pub(crate) fn encode_code(code: &str, admitted: &Admitted<'_>, first: bool, last: bool) -> Vec<u8> {
    let mut request = Vec::with_capacity(code.len() + 64);
    let put_u32 = |request: &mut Vec<u8>, n: u32| request.extend_from_slice(&n.to_le_bytes());
    let put_str = |request: &mut Vec<u8>, text: &str| {
        // `admit` bounds every text far below 4 GiB.
        put_u32(request, u32::try_from(text.len()).unwrap_or(u32::MAX));
        request.extend_from_slice(text.as_bytes());
    };
    let flags = u32::from(first)
        | u32::from(admitted.wants_value()) << 1
        | u32::from(admitted.is_module()) << 2
        | u32::from(last) << 3;
    put_u32(&mut request, REQUEST_VERSION);
    put_u32(&mut request, flags);
    put_str(&mut request, code);
    put_str(&mut request, admitted.filename());
    // Without arguments the guest keeps the argv that it starts with: the file name alone.
    let args = admitted.args();
    let argv = if args.is_empty() { 0 } else { 1 + args.len() };
    put_u32(&mut request, u32::try_from(argv).unwrap_or(0));
    if !args.is_empty() {
        put_str(&mut request, admitted.filename());
    }
    for arg in args {
        put_str(&mut request, arg);
    }
    put_u32(&mut request, u32::try_from(admitted.env().len()).unwrap_or(0));
    for (key, value) in admitted.env() {
        put_str(&mut request, &format!("{key}={value}"));
    }
    request
}
