//! The normal form of JavaScript that patterns are matched against.
//!
//! No comments, no white space but one space between two words; strings and plain templates in single quotes with their
//! escapes decoded; `'a'+'b'` and `('ab')` folded; `x['name']` and `x?.name` written `x.name`.
use super::lexer::{Kind, Token};
use crate::policy::normal::Normal;

/// Folded strings end here.
const MAX_STRING: usize = 1 << 16;

/// A token of the normal form.
#[derive(Debug)]
pub(crate) struct Piece {
    pub(crate) kind: Kind,
    pub(crate) start: usize,
    pub(crate) end: usize,
}

impl Piece {
    pub(crate) fn is(&self, punct: &str) -> bool {
        matches!(self.kind, Kind::Punct(p) if p == punct)
    }

    pub(crate) fn word(&self) -> Option<&str> {
        match &self.kind {
            Kind::Word(w) => Some(w),
            _ => None,
        }
    }

    pub(crate) fn string(&self) -> Option<&str> {
        match &self.kind {
            Kind::Str(s) => Some(s),
            _ => None,
        }
    }

    /// Whether a value ends here, so that a bracket that follows reaches into it or calls it.
    pub(crate) fn ends_value(&self) -> bool {
        match &self.kind {
            Kind::Word(w) => !super::judge::is_keyword(w),
            Kind::Str(_) | Kind::Number | Kind::Regex | Kind::Backquote => true,
            Kind::Punct(p) => matches!(*p, ")" | "]" | "}"),
            Kind::TemplatePart(_) | Kind::Odd(_) => false,
        }
    }
}

/// Folds tokens as the module's description says.
pub(crate) fn fold(tokens: Vec<Token>) -> Vec<Piece> {
    let mut out: Vec<Piece> = Vec::with_capacity(tokens.len());
    for token in tokens {
        let Token { kind, start, end } = token;
        let kind = if kind == Kind::Punct("?.") { Kind::Punct(".") } else { kind };
        out.push(Piece { kind, start, end });
        while reduce(&mut out) {}
    }
    out
}

/// One step of folding at the end of what is there.
fn reduce(out: &mut Vec<Piece>) -> bool {
    let n = out.len();
    let at = |back: usize| n.checked_sub(back).and_then(|i| out.get(i));
    let (Some(last), Some(before)) = (at(1), at(2)) else { return false };
    // x?.['y'] and x?.(y): the dot goes.
    if before.is(".") && (last.is("[") || last.is("(")) {
        out.remove(n - 2);
        return true;
    }
    let Some(third) = at(3) else { return false };
    if last.is("]") && third.is("[") && at(4).is_some_and(Piece::ends_value) {
        if let Some(name) = before.string().filter(|s| is_name(s)).map(str::to_owned) {
            let (start, end) = (before.start, before.end);
            out.truncate(n - 3);
            out.push(Piece { kind: Kind::Punct("."), start: start.saturating_sub(1), end: start });
            out.push(Piece { kind: Kind::Word(name), start, end });
            return true;
        }
    } else if last.is(")") && third.is("(") && before.string().is_some() {
        if at(4).is_none_or(|p| !p.ends_value() && p.word() != Some("import")) {
            out.remove(n - 3);
            out.pop();
            return true;
        }
        // 'f'.concat('s')
        if at(4).and_then(Piece::word) == Some("concat")
            && at(5).is_some_and(|p| p.is("."))
            && fits(at(6), before)
        {
            return append(out, 5, 2);
        }
    } else if before.is("+") && fits(Some(third), last) {
        return append(out, 2, 1);
    }
    false
}

/// Whether both are strings, and short enough to be one.
fn fits(left: Option<&Piece>, right: &Piece) -> bool {
    match (left.and_then(Piece::string), right.string()) {
        (Some(left), Some(right)) => left.len() + right.len() <= MAX_STRING,
        _ => false,
    }
}

/// Appends the string that stands `right` from the end to the one before the last `drop` pieces, which go. In place, so
/// that a sum of a million strings costs no more than their length.
fn append(out: &mut Vec<Piece>, drop: usize, right: usize) -> bool {
    let mut tail = out.split_off(out.len() - drop);
    let end = tail.last().map_or(0, |p| p.end);
    let at = tail.len() - right;
    if let (Some(Piece { kind: Kind::Str(right), .. }), Some(left)) = (tail.get_mut(at), out.last_mut())
        && let Kind::Str(text) = &mut left.kind
    {
        text.push_str(right);
        left.end = end;
        return true;
    }
    false
}

fn is_name(text: &str) -> bool {
    let mut chars = text.chars();
    chars.next().is_some_and(|c| c.is_alphabetic() || c == '_' || c == '$')
        && chars.all(|c| c.is_alphanumeric() || c == '_' || c == '$')
}

/// The text of the normal form.
pub(crate) fn text(pieces: &[Piece]) -> Normal {
    let mut normal = Normal::default();
    let mut word_before = false;
    for piece in pieces {
        let word = matches!(piece.kind, Kind::Word(_) | Kind::Number);
        if word && word_before {
            normal.add(" ", piece.start, piece.start, false);
        }
        word_before = word;
        match &piece.kind {
            Kind::Word(w) => normal.add(w, piece.start, piece.end, false),
            Kind::Number => normal.add("0", piece.start, piece.end, false),
            Kind::Regex => {
                normal.add("/", piece.start, piece.end, false);
                normal.add("re/", piece.start, piece.end, true);
            }
            Kind::Str(s) => {
                normal.add("'", piece.start, piece.end, false);
                normal.add(&quoted(s), piece.start, piece.end, true);
                normal.add("'", piece.end.saturating_sub(1), piece.end, false);
            }
            Kind::TemplatePart(s) => normal.add(&quoted(s), piece.start, piece.end, true),
            Kind::Backquote => normal.add("`", piece.start, piece.end, false),
            Kind::Punct(p) => normal.add(p, piece.start, piece.end, false),
            Kind::Odd(c) => normal.add(c.encode_utf8(&mut [0; 4]), piece.start, piece.end, false),
        }
    }
    normal
}

fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\'' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            c => out.push(c),
        }
    }
    out
}
