//! What expressions are worth, as far as the source shows: constants folded, names followed to what they are bound to.
//!
//! Bindings are taken without regard to order or scope, so a name is worth everything that it is bound to anywhere.
use super::ir::{Kind, NodeId, Tree};
use crate::policy::rules::RuleSet;
use std::collections::HashMap;
use std::rc::Rc;

/// Folded strings end here: `"a" * 10**9` costs nothing.
const MAX_STRING: usize = 4096;
/// A name bound to more values than this is unknown.
const MAX_ALTERNATIVES: usize = 16;
/// How often bindings are followed through other bindings (`a = x; b = a; c = b`).
const MAX_ROUNDS: usize = 5;

/// The worth of an expression.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    /// Cannot be told, and there is nothing unusual in that: a parameter, a call's result.
    Unknown,
    /// A string that is put together out of sight: `chr`, `join`, `decode`, slices.
    Opaque,
    Str(Rc<str>),
    /// A string with a known beginning.
    Prefix(Rc<str>),
    Bytes(Rc<[u8]>),
    Int(i64),
    /// A module or what lies in one: `os`, `os.path.join`, `builtins.eval`.
    Path(Rc<str>),
    /// The elements of this sequence node.
    Sequence(NodeId),
    /// One of these.
    Many(Rc<[Value]>),
}

impl Value {
    fn string(text: String) -> Self {
        if text.len() > MAX_STRING { Self::Opaque } else { Self::Str(text.into()) }
    }

    fn path(text: impl AsRef<str>) -> Self {
        let text = text.as_ref();
        if text.len() > MAX_STRING { Self::Unknown } else { Self::Path(text.into()) }
    }

    /// Each value that this may be.
    pub(crate) fn each(&self) -> &[Self] {
        match self {
            Self::Many(values) => values,
            one => std::slice::from_ref(one),
        }
    }

    /// The paths among the alternatives.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &str> {
        self.each().iter().filter_map(|v| match v {
            Self::Path(path) => Some(&**path),
            _ => None,
        })
    }

    fn one_of(values: Vec<Self>) -> Self {
        let mut distinct: Vec<Self> = Vec::new();
        for value in values.iter().flat_map(Self::each) {
            if distinct.len() >= MAX_ALTERNATIVES {
                // Modules must not get lost in a crowd.
                distinct.retain(|v| matches!(v, Self::Path(_)));
                if distinct.len() >= MAX_ALTERNATIVES {
                    break;
                }
                distinct.push(Self::Unknown);
            }
            if !distinct.contains(value) {
                distinct.push(value.clone());
            }
        }
        match distinct.len() {
            0 => Self::Unknown,
            1 => distinct.swap_remove(0),
            _ => Self::Many(distinct.into()),
        }
    }
}

/// Built-in functions that the evaluation itself understands.
const UNDERSTOOD: [&str; 18] = [
    "getattr",
    "setattr",
    "delattr",
    "vars",
    "globals",
    "locals",
    "chr",
    "bytes",
    "bytearray",
    "str",
    "__import__",
    "__builtins__",
    "type",
    "object",
    "eval",
    "exec",
    "compile",
    "hasattr",
];

/// Values of every node and of every name of a tree.
pub(crate) struct Values<'t> {
    tree: &'t Tree,
    rules: &'t RuleSet,
    values: Vec<Value>,
    names: HashMap<&'t str, Value>,
}

impl<'t> Values<'t> {
    pub(crate) fn new(tree: &'t Tree, rules: &'t RuleSet) -> Self {
        let mut this = Self { tree, rules, values: Vec::new(), names: HashMap::new() };
        for _ in 0..MAX_ROUNDS {
            this.evaluate();
            let names = this.bindings();
            if names == this.names {
                break;
            }
            this.names = names;
        }
        this
    }

    pub(crate) fn of(&self, id: NodeId) -> &Value {
        self.values.get(id as usize).unwrap_or(&Value::Unknown)
    }

    fn evaluate(&mut self) {
        self.values.clear();
        self.values.reserve(self.tree.nodes.len());
        for (id, node) in self.tree.nodes.iter().enumerate() {
            let value = self.value(super::super::source::to_u32(id), &node.kind);
            self.values.push(value);
        }
    }

    fn bindings(&self) -> HashMap<&'t str, Value> {
        let mut bound: HashMap<&'t str, Vec<Value>> = HashMap::new();
        for node in &self.tree.nodes {
            match &node.kind {
                Kind::Import { module, alias, binds: true } => {
                    let (name, path) = match alias {
                        Some(alias) => (alias.as_str(), module.as_str()),
                        None => {
                            let root = root(module);
                            (root, root)
                        }
                    };
                    add(&mut bound, name, Value::path(path));
                }
                Kind::ImportFrom { module, name, alias, level: 0 } => {
                    let path = self.member(module, name);
                    add(&mut bound, alias.as_deref().unwrap_or(name), path);
                }
                Kind::Bind { target, value } => self.bind(&mut bound, *target, self.of(*value)),
                Kind::BindEach { target, value } => {
                    let each = match self.of(*value) {
                        Value::Sequence(id) => Value::one_of(self.elements(*id).cloned().collect()),
                        _ => Value::Unknown,
                    };
                    self.bind(&mut bound, *target, &each);
                }
                _ => {}
            }
        }
        // What cannot be told is left out: it is what a name that is not here is worth.
        let known = bound.into_iter().map(|(name, values)| (name, Value::one_of(values)));
        known.filter(|(_, value)| *value != Value::Unknown).collect()
    }

    fn bind(&self, bound: &mut HashMap<&'t str, Vec<Value>>, target: NodeId, value: &Value) {
        match self.tree.get(target).map(|n| &n.kind) {
            Some(Kind::Name { id, .. }) => add(bound, id, value.clone()),
            Some(Kind::Sequence(targets)) => {
                // Names in nested targets are bound to what cannot be told, one level suffices.
                let elements: Vec<Value> = match value {
                    Value::Sequence(id) => self.elements(*id).cloned().collect(),
                    _ => Vec::new(),
                };
                for (i, &target) in targets.iter().enumerate() {
                    if let Some(Kind::Name { id, .. }) = self.tree.get(target).map(|n| &n.kind) {
                        let same = elements.len() == targets.len();
                        add(bound, id, if same { elements[i].clone() } else { Value::Unknown });
                    }
                }
            }
            _ => {}
        }
    }

    fn elements(&self, sequence: NodeId) -> impl Iterator<Item = &Value> {
        let ids = match self.tree.get(sequence).map(|n| &n.kind) {
            Some(Kind::Sequence(ids)) => ids.as_slice(),
            _ => &[],
        };
        ids.iter().map(|&id| self.of(id))
    }

    fn value(&self, id: NodeId, kind: &Kind) -> Value {
        match kind {
            Kind::Name { id, store: false } => self.name(id),
            Kind::Attribute { base, name } => self.attribute(self.of(*base), name),
            Kind::Call { func, args, positional } => self.call(*func, &args[..(*positional).min(args.len())]),
            Kind::Subscript { base, index } => self.subscript(*base, *index),
            Kind::Str(s) => Value::string(s.clone()),
            Kind::Bytes(b) if b.len() <= MAX_STRING => Value::Bytes(b.as_slice().into()),
            Kind::Int(i) => Value::Int(*i),
            Kind::Add(l, r) => sum(self.of(*l), self.of(*r)),
            Kind::Mix(l, r) => mix(self.of(*l), self.of(*r)),
            Kind::Join(parts) => {
                let mut whole = Value::Str("".into());
                for &part in parts {
                    whole = sum(&whole, self.of(part));
                }
                whole
            }
            Kind::Sequence(_) => Value::Sequence(id),
            Kind::Either(parts) => Value::one_of(parts.iter().map(|&p| self.of(p).clone()).collect()),
            Kind::Bytes(_)
            | Kind::Name { .. }
            | Kind::ReverseSlice
            | Kind::Bind { .. }
            | Kind::BindEach { .. }
            | Kind::Import { .. }
            | Kind::ImportFrom { .. }
            | Kind::Docstring
            | Kind::Other => Value::Unknown,
        }
    }

    fn name(&self, id: &str) -> Value {
        let builtin = match id {
            "__builtins__" => Some(Value::path("builtins")),
            _ if UNDERSTOOD.contains(&id) || self.rules.functions.contains_key(id) => {
                Some(Value::path(format!("builtins.{id}")))
            }
            _ => None,
        };
        match (self.names.get(id), builtin) {
            (Some(bound), Some(builtin)) => Value::one_of(vec![builtin, bound.clone()]),
            (Some(bound), None) => bound.clone(),
            (None, Some(builtin)) => builtin,
            (None, None) => Value::Unknown,
        }
    }

    /// `path.name`; a forbidden module that another module has imported is that module itself.
    fn member(&self, path: &str, name: &str) -> Value {
        match name {
            "__dict__" => return Value::path(path),
            "__builtins__" => return Value::path("builtins"),
            _ => {}
        }
        if path == "sys.modules" {
            return Value::path(name);
        }
        if root(path) != "builtins"
            && let Some(module) = self.module_in(name)
        {
            return Value::path(module);
        }
        Value::path(format!("{path}.{name}"))
    }

    /// The forbidden module that a member of this name is taken to be: `os` and `_os` are `os`.
    pub(crate) fn module_in<'n>(&self, name: &'n str) -> Option<&'n str> {
        let bare = name.trim_start_matches('_');
        [name, bare].into_iter().find(|n| self.rules.imports.contains_key(*n))
    }

    pub(crate) fn attribute(&self, base: &Value, name: &str) -> Value {
        if name == "__builtins__" {
            return Value::path("builtins");
        }
        let members: Vec<Value> = base.paths().map(|p| self.member(p, name)).collect();
        Value::one_of(members)
    }

    fn subscript(&self, base: NodeId, index: NodeId) -> Value {
        let (base, index_value) = (self.of(base), self.of(index));
        let reversed = matches!(self.tree.get(index).map(|n| &n.kind), Some(Kind::ReverseSlice));
        match (base, index_value) {
            (Value::Str(s), _) if reversed => Value::string(s.chars().rev().collect()),
            (Value::Str(s), Value::Int(i)) => {
                let at = usize::try_from(*i).ok();
                at.and_then(|i| s.chars().nth(i)).map_or(Value::Opaque, |c| Value::string(c.to_string()))
            }
            (Value::Str(_) | Value::Opaque | Value::Prefix(_), _) => Value::Opaque,
            (Value::Sequence(id), Value::Int(i)) => {
                let at = usize::try_from(*i).ok();
                at.and_then(|i| self.elements(*id).nth(i)).cloned().unwrap_or(Value::Unknown)
            }
            (Value::Sequence(id), _) => Value::one_of(self.elements(*id).cloned().collect()),
            (base, index) => {
                let mut found = Vec::new();
                for key in index.each() {
                    if let Value::Str(key) = key {
                        found.push(self.attribute(base, key));
                    }
                }
                Value::one_of(found)
            }
        }
    }

    fn call(&self, func: NodeId, args: &[NodeId]) -> Value {
        let arg = |i: usize| args.get(i).map_or(&Value::Unknown, |&id| self.of(id));
        for path in self.of(func).paths() {
            match path {
                "builtins.getattr" | "inspect.getattr_static" => {
                    let names = arg(1).each().iter().filter_map(|v| match v {
                        Value::Str(name) => Some(self.attribute(arg(0), name)),
                        _ => None,
                    });
                    return Value::one_of(names.collect());
                }
                "builtins.__import__" | "importlib.__import__" => {
                    return self.imported(arg(0), |m| Value::path(root(m)));
                }
                "importlib.import_module" | "pkgutil.resolve_name" | "importlib.reload" => {
                    return self.imported(arg(0), |m| Value::path(m));
                }
                "builtins.vars" => return Value::one_of(arg(0).paths().map(Value::path).collect()),
                "builtins.chr" => {
                    return match arg(0) {
                        Value::Int(i) => u32::try_from(*i)
                            .ok()
                            .and_then(char::from_u32)
                            .map_or(Value::Opaque, |c| Value::string(c.to_string())),
                        _ => Value::Opaque,
                    };
                }
                "builtins.bytes" | "builtins.bytearray" => return self.bytes(arg(0)),
                "builtins.str" if !args.is_empty() => {
                    return match arg(0) {
                        Value::Bytes(b) => decoded(b),
                        other => other.clone(),
                    };
                }
                _ => {}
            }
        }
        match self.tree.get(func).map(|n| &n.kind) {
            Some(Kind::Attribute { base, name }) => self.method(self.of(*base), name, arg(0), arg(1)),
            _ => Value::Unknown,
        }
    }

    fn imported(&self, module: &Value, path: impl Fn(&str) -> Value) -> Value {
        Value::one_of(
            module
                .each()
                .iter()
                .filter_map(|v| match v {
                    Value::Str(m) => Some(path(m)),
                    _ => None,
                })
                .collect(),
        )
    }

    fn bytes(&self, from: &Value) -> Value {
        match from {
            Value::Sequence(id) => {
                let bytes: Option<Vec<u8>> = self
                    .elements(*id)
                    .map(|v| match v {
                        Value::Int(i) => u8::try_from(*i).ok(),
                        _ => None,
                    })
                    .collect();
                bytes.map_or(Value::Opaque, |b| Value::Bytes(b.into()))
            }
            Value::Bytes(_) => from.clone(),
            _ => Value::Opaque,
        }
    }

    /// The result of a method call, where the method makes strings.
    fn method(&self, base: &Value, name: &str, first: &Value, second: &Value) -> Value {
        if matches!(name, "get" | "pop" | "__getitem__" | "setdefault") && base.paths().next().is_some() {
            return match first {
                Value::Str(key) => self.attribute(base, key),
                _ => Value::Unknown,
            };
        }
        match (base, name) {
            (Value::Str(s), "join") => match first {
                Value::Sequence(id) => {
                    let parts: Option<Vec<&str>> = self
                        .elements(*id)
                        .map(|v| match v {
                            Value::Str(s) => Some(&**s),
                            _ => None,
                        })
                        .collect();
                    parts.map_or(Value::Opaque, |p| Value::string(p.join(s)))
                }
                _ => Value::Opaque,
            },
            (Value::Str(s), "lower" | "casefold") => Value::string(s.to_lowercase()),
            (Value::Str(s), "upper") => Value::string(s.to_uppercase()),
            (Value::Str(s), "strip") => match first {
                Value::Str(set) => Value::string(s.trim_matches(|c| set.contains(c)).to_owned()),
                _ => Value::string(s.trim().to_owned()),
            },
            (Value::Str(s), "replace") => match (first, second) {
                (Value::Str(from), Value::Str(to)) if s.len() * to.len().max(1) <= MAX_STRING * 16 => {
                    Value::string(s.replace(&**from, to))
                }
                _ => Value::Opaque,
            },
            (Value::Str(s), "encode") => Value::Bytes(s.as_bytes().into()),
            (Value::Str(s), "format" | "format_map") => begin(s.split('{').next().unwrap_or_default()),
            (Value::Bytes(b), "decode") => decoded(b),
            (Value::Str(_) | Value::Opaque | Value::Prefix(_) | Value::Bytes(_), _) => Value::Opaque,
            (_, "decode" | "fromhex" | "translate" | "b64decode" | "unhexlify") => Value::Opaque,
            _ => Value::Unknown,
        }
    }
}

fn add<'t>(bound: &mut HashMap<&'t str, Vec<Value>>, name: &'t str, value: Value) {
    let values = bound.entry(name).or_default();
    if values.len() <= MAX_ALTERNATIVES || matches!(value, Value::Path(_)) {
        // A name rebound a million times stays small.
        if !values.contains(&value) {
            values.push(value);
        }
        values.truncate(MAX_ALTERNATIVES * 2);
    }
}

/// The first part of a dotted name.
pub(crate) fn root(path: &str) -> &str {
    path.split('.').next().unwrap_or(path)
}

fn decoded(bytes: &[u8]) -> Value {
    Value::string(String::from_utf8_lossy(bytes).into_owned())
}

/// A string that begins like this and goes on with what cannot be told.
fn begin(prefix: &str) -> Value {
    if prefix.is_empty() { Value::Opaque } else { Value::Prefix(prefix.into()) }
}

fn sum(left: &Value, right: &Value) -> Value {
    match (left, right) {
        (Value::Str(l), r) if l.is_empty() => r.clone(),
        (Value::Str(l), Value::Str(r)) => Value::string(format!("{l}{r}")),
        (Value::Str(l), Value::Prefix(r)) if l.len() + r.len() <= MAX_STRING => {
            Value::Prefix(format!("{l}{r}").into())
        }
        (Value::Bytes(l), Value::Bytes(r)) if l.len() + r.len() <= MAX_STRING => {
            Value::Bytes([&**l, r].concat().into())
        }
        (Value::Int(l), Value::Int(r)) => l.checked_add(*r).map_or(Value::Unknown, Value::Int),
        (Value::Str(l), _) => Value::Prefix(l.clone()),
        (Value::Prefix(l), _) => Value::Prefix(l.clone()),
        (Value::Opaque, _) | (_, Value::Opaque) => Value::Opaque,
        _ => Value::Unknown,
    }
}

fn mix(left: &Value, right: &Value) -> Value {
    match (left, right) {
        (Value::Str(s), Value::Int(n)) | (Value::Int(n), Value::Str(s)) if !s.contains('%') => {
            let n = usize::try_from(*n).unwrap_or(0);
            if s.len().saturating_mul(n) > MAX_STRING { Value::Opaque } else { Value::string(s.repeat(n)) }
        }
        (Value::Str(s), _) if s.contains('%') => begin(s.split('%').next().unwrap_or_default()),
        (Value::Str(_) | Value::Opaque | Value::Prefix(_), _) | (_, Value::Opaque) => Value::Opaque,
        _ => Value::Unknown,
    }
}
