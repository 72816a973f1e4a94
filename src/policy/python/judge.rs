//! Applies the rules to a lowered program.
use super::ir::{Kind, NONE, Node, NodeId, Tree};
use super::value::{Value, Values};
use crate::policy::Imported;
use crate::policy::finding::Action;
use crate::policy::rules::{Detector, Report, RuleIx};

/// What may follow `__class__` without a word: the type's own description.
const DESCRIPTIVE: [&str; 5] = ["__name__", "__qualname__", "__doc__", "__module__", "__len__"];

/// Functions that reach an attribute by name: the path, and which argument is the name.
const BY_NAME: [(&str, usize); 6] = [
    ("builtins.getattr", 1),
    ("builtins.setattr", 1),
    ("builtins.delattr", 1),
    ("inspect.getattr_static", 1),
    ("operator.attrgetter", 0),
    ("operator.methodcaller", 0),
];

/// Methods that do.
const METHODS_BY_NAME: [&str; 4] = ["__getattribute__", "__getattr__", "__setattr__", "__delattr__"];

/// Functions that import a module by name.
const IMPORTERS: [&str; 5] = [
    "builtins.__import__",
    "importlib.__import__",
    "importlib.import_module",
    "pkgutil.resolve_name",
    "runpy.run_module",
];

/// Types whose `__dict__` holds what attribute access hides.
const BUILTIN_TYPES: [&str; 12] =
    ["type", "object", "int", "str", "list", "dict", "tuple", "set", "bytes", "float", "bool", "function"];

/// What a node is used for, as far as it decides whether it is ordinary.
#[derive(Clone, Copy, Default)]
struct Use {
    /// It is what a call calls.
    called: bool,
    /// It is the base of an attribute or a subscript; the parent, if so.
    base_of: Option<NodeId>,
    /// It is bound to a plain name.
    bound: bool,
    /// It is the module name of an attribute chain or an argument that the judge follows.
    followed: bool,
}

pub(crate) struct Judge<'t, 'r> {
    tree: &'t Tree,
    report: &'t mut Report<'r>,
    values: Values<'t>,
    uses: Vec<Use>,
    text: &'t str,
    /// Some attribute is reached by a name that cannot be told.
    dynamic: bool,
    /// Some imported module is handed on as a value.
    module_escapes: bool,
}

/// Judges `tree`, adding findings to `report`; returns what it imports.
pub(super) fn judge<'t>(tree: &'t Tree, text: &'t str, report: &'t mut Report<'_>) -> Vec<Imported> {
    let rules = report.rules;
    let values = Values::new(tree, rules);
    let mut judge =
        Judge { tree, report, values, uses: Vec::new(), text, dynamic: false, module_escapes: false };
    judge.survey();
    let imported = judge.imports();
    for (id, node) in tree.nodes.iter().enumerate() {
        judge.node(crate::policy::source::to_u32(id), node);
    }
    imported
}

impl<'t> Judge<'t, '_> {
    fn range(&self, id: NodeId) -> (usize, usize) {
        self.tree.get(id).map_or((0, 0), |n| (n.start as usize, n.end as usize))
    }

    /// The place of an attribute's own name within its expression.
    fn name_range(&self, node: &Node) -> (usize, usize) {
        let (start, end) = (node.start as usize, (node.end as usize).min(self.text.len()));
        let slice = self.text.get(start..end).unwrap_or_default();
        match slice.rfind('.') {
            Some(dot) => {
                let after = &slice[dot + 1..];
                (start + dot + 1 + (after.len() - after.trim_start().len()), end)
            }
            None => (start, end),
        }
    }

    /// First pass: how each node is used, and what the program does that changes how the rest is read.
    fn survey(&mut self) {
        let mut uses = vec![Use::default(); self.tree.nodes.len()];
        let mut set = |id: NodeId, f: &dyn Fn(&mut Use)| {
            if let Some(u) = uses.get_mut(id as usize) {
                f(u);
            }
        };
        for (id, node) in self.tree.nodes.iter().enumerate() {
            let id = crate::policy::source::to_u32(id);
            match &node.kind {
                Kind::Call { func, .. } => set(*func, &|u| u.called = true),
                Kind::Attribute { base, .. } | Kind::Subscript { base, .. } => {
                    set(*base, &|u| u.base_of = Some(id));
                }
                Kind::Bind { target, value } => {
                    if matches!(self.tree.get(*target).map(|n| &n.kind), Some(Kind::Name { .. })) {
                        set(*value, &|u| u.bound = true);
                    }
                }
                Kind::Name { id, store: true } if id == "__match_args__" => self.dynamic = true,
                _ => {}
            }
        }
        // `getattr(module, "name")` and `vars(module)` are followed, so the module does not escape there.
        for node in &self.tree.nodes {
            if let Kind::Call { func, args, .. } = &node.kind {
                let known = self.values.of(*func).paths().any(|p| {
                    matches!(
                        p,
                        "builtins.getattr" | "builtins.vars" | "importlib.reload" | "builtins.hasattr"
                    )
                });
                if known && let Some(u) = args.first().and_then(|&a| uses.get_mut(a as usize)) {
                    u.followed = true;
                }
            }
        }
        self.uses = uses;
        for (id, node) in self.tree.nodes.iter().enumerate() {
            let u = self.uses[id];
            let id = crate::policy::source::to_u32(id);
            match &node.kind {
                Kind::Name { store: false, .. }
                    if !u.called && u.base_of.is_none() && !u.bound && !u.followed =>
                {
                    self.module_escapes |= self.values.of(id).paths().any(|p| !p.starts_with("builtins"));
                    self.dynamic |= self.by_name(self.values.of(id)).is_some();
                }
                Kind::Call { func, args, .. } => {
                    if let Some(at) = self.call_by_name(*func) {
                        let arg = args.get(at).map_or(&Value::Unknown, |&a| self.values.of(a));
                        self.dynamic |=
                            arg.each().iter().any(|v| !matches!(v, Value::Str(_)) && !is_plain_prefix(v));
                    }
                }
                _ => {}
            }
        }
    }

    fn by_name(&self, value: &Value) -> Option<usize> {
        value.paths().find_map(|p| BY_NAME.iter().find(|(name, _)| *name == p).map(|&(_, at)| at))
    }

    /// For a callee that reaches an attribute by name, which argument is that name.
    fn call_by_name(&self, func: NodeId) -> Option<usize> {
        if let Some(at) = self.by_name(self.values.of(func)) {
            return Some(at);
        }
        match &self.tree.get(func)?.kind {
            // `string.Formatter().get_field("0.__class__", ...)`.
            Kind::Attribute { name, .. } if name == "get_field" => Some(0),
            Kind::Attribute { base, name } if METHODS_BY_NAME.contains(&name.as_str()) => {
                // `object.__getattribute__(x, name)` against `x.__getattribute__(name)`.
                let unbound = matches!(self.tree.get(*base).map(|n| &n.kind), Some(Kind::Name { id, .. }) if BUILTIN_TYPES.contains(&id.as_str()));
                Some(usize::from(unbound))
            }
            _ => None,
        }
    }

    /// Every import, by statement or by call, with findings for those that are forbidden.
    fn imports(&mut self) -> Vec<Imported> {
        let mut out = Vec::new();
        for node in &self.tree.nodes {
            let (start, end) = (node.start as usize, node.end as usize);
            match &node.kind {
                Kind::Import { module, alias, .. } => {
                    let end = if alias.is_some() { (start + module.len()).min(end) } else { end };
                    self.import(&mut out, module, start, end);
                }
                Kind::ImportFrom { module, name, level: 0, .. } => {
                    let end = (start + name.len()).min(end);
                    self.import_from(&mut out, module, name, start, end);
                }
                Kind::Call { func, args, .. }
                    if self.values.of(*func).paths().any(|p| IMPORTERS.contains(&p)) =>
                {
                    self.import_call(&mut out, args.first().copied().unwrap_or(NONE), start, end);
                }
                _ => {}
            }
        }
        out
    }

    fn guarded(&self, at: usize) -> bool {
        self.tree.guards.iter().any(|&(start, end)| (start as usize..end as usize).contains(&at))
    }

    fn forbidden(&self, module: &str) -> Option<RuleIx> {
        let rules = self.report.rules;
        let mut prefix = module;
        loop {
            if let Some(&ix) = rules.imports.get(prefix) {
                return Some(ix);
            }
            prefix = &prefix[..prefix.rfind('.')?];
        }
    }

    fn import(&mut self, out: &mut Vec<Imported>, module: &str, start: usize, end: usize) {
        let rule = self.forbidden(module);
        if let Some(ix) = rule {
            self.report.add(ix, start, end, module, || format!("import of module `{}`", shorten(module)));
        }
        let guarded = self.guarded(start);
        out.push(Imported { module: module.to_owned(), rule, start, end, guarded });
    }

    fn import_from(&mut self, out: &mut Vec<Imported>, module: &str, name: &str, start: usize, end: usize) {
        if self.forbidden(module).is_some() {
            return;
        }
        let full = format!("{module}.{name}");
        let rules = self.report.rules;
        let reached = rules.imports.get(&full).map(|&ix| (ix, full.as_str())).or_else(|| {
            let inner = self.values.module_in(name)?;
            // `from distutils import sys` reaches `sys`; a rule that only warns is about importing it outright.
            let ix = *rules.imports.get(inner)?;
            (rules.rule(ix).action == Action::Deny).then_some((ix, inner))
        });
        if let Some((ix, inner)) = reached {
            self.report.add(ix, start, end, inner, || {
                format!("module `{inner}` is reached through `{}`", shorten(module))
            });
            out.push(Imported { module: inner.to_owned(), rule: Some(ix), start, end, guarded: false });
        } else if let Some(&ix) = rules.functions.get(strip_builtins(&full)) {
            self.report.add(ix, start, end, name, || format!("import of `{}`", shorten(&full)));
        } else if let Some(&ix) = rules.attributes.get(name) {
            self.report.add(ix, start, end, name, || format!("import of `{}`", shorten(&full)));
        }
    }

    fn import_call(&mut self, out: &mut Vec<Imported>, arg: NodeId, start: usize, end: usize) {
        let value = self.values.of(arg).clone();
        for one in value.each() {
            match one {
                Value::Str(module) => self.import(out, module.trim_start_matches('.'), start, end),
                _ => self.report.detect(Detector::DynamicImport, start, end, "", || {
                    "import of a module whose name is computed".to_owned()
                }),
            }
        }
    }

    fn node(&mut self, id: NodeId, node: &Node) {
        let (start, end) = (node.start as usize, node.end as usize);
        let rules = self.report.rules;
        match &node.kind {
            Kind::Name { id: name, store: false } => {
                if let Some(&ix) = rules.names.get(name).or_else(|| rules.functions.get(name)) {
                    self.report.add(ix, start, end, name, || format!("use of `{}`", shorten(name)));
                } else if !self.uses[id as usize].called && self.by_name(self.values.of(id)).is_some() {
                    let u = self.uses[id as usize];
                    if u.base_of.is_none() && !u.bound {
                        self.report.detect(Detector::DynamicAttribute, start, end, name, || {
                            format!("`{}` is handed on, so what it reaches cannot be told", shorten(name))
                        });
                    }
                }
            }
            Kind::Attribute { base, name } => self.attribute(id, node, *base, name),
            Kind::Call { func, args, positional } => self.call(id, *func, args, *positional),
            Kind::Subscript { base, index } => self.subscript(id, *base, *index),
            Kind::Str(_) | Kind::Add(..) | Kind::Join(_) => self.string(id, start, end),
            _ => {}
        }
    }

    /// A forbidden function or module that the value of node `id` is, found at `start..end`.
    fn reached(&mut self, id: NodeId, start: usize, end: usize) -> bool {
        let rules = self.report.rules;
        let value = self.values.of(id).clone();
        for path in value.paths() {
            if let Some(&ix) = rules.functions.get(strip_builtins(path)) {
                self.report.add(ix, start, end, path, || format!("use of `{}`", shorten(path)));
                return true;
            }
            // A module that is the value of something other than an import was reached by way of another.
            if !path.contains('.')
                && let Some(&ix) = rules.imports.get(path)
                && rules.rule(ix).action == Action::Deny
            {
                self.report
                    .add(ix, start, end, path, || format!("module `{path}` is reached through another"));
                return true;
            }
        }
        false
    }

    fn attribute(&mut self, id: NodeId, node: &Node, base: NodeId, name: &str) {
        let (start, end) = self.name_range(node);
        let rules = self.report.rules;
        if let Some(&ix) = rules.attributes.get(name) {
            let lenient =
                rules.rule(ix).action == Action::Warn && name == "__class__" && self.is_descriptive(id, base);
            if !lenient {
                self.report.add(ix, start, end, name, || format!("use of attribute `{name}`"));
            }
        }
        if name == "__dict__" && self.is_builtin_type(base) {
            self.report.detect(Detector::OpaqueName, start, end, name, || {
                "the dictionary of a built-in type reaches what attribute access hides".to_owned()
            });
        }
        let known = self.values.of(base).paths().next().is_some();
        if known {
            self.reached(id, start, end);
        } else if self.module_escapes
            && !self.is_self(base)
            && let Some(module) = self.values.module_in(name)
            && let Some(&ix) = rules.imports.get(module)
            && rules.rule(ix).action == Action::Deny
        {
            self.report.add(ix, start, end, module, || {
                format!("may be module `{module}`, reached through a module that is handed on as a value")
            });
        }
    }

    fn is_self(&self, base: NodeId) -> bool {
        matches!(self.tree.get(base).map(|n| &n.kind), Some(Kind::Name { id, .. }) if id == "self" || id == "cls")
    }

    fn is_builtin_type(&self, base: NodeId) -> bool {
        matches!(self.tree.get(base).map(|n| &n.kind), Some(Kind::Name { id, .. }) if BUILTIN_TYPES.contains(&id.as_str()))
    }

    /// `x.__class__.__name__`, `self.__class__`, `x.__class__(...)`.
    fn is_descriptive(&self, id: NodeId, base: NodeId) -> bool {
        let u = self.uses[id as usize];
        let by_parent = u.base_of.and_then(|p| self.tree.get(p)).is_some_and(
            |p| matches!(&p.kind, Kind::Attribute { name, .. } if DESCRIPTIVE.contains(&name.as_str())),
        );
        by_parent || u.called || self.is_self(base)
    }

    fn call(&mut self, id: NodeId, func: NodeId, args: &[NodeId], positional: usize) {
        let (start, end) = self.range(id);
        let rules = self.report.rules;
        if args.is_empty() {
            let value = self.values.of(func).clone();
            for path in value.paths() {
                let key = format!("{}()", strip_builtins(path));
                if let Some(&ix) = rules.functions.get(&key) {
                    self.report.add(ix, start, end, &key, || format!("call of `{key}`"));
                }
            }
        }
        if let Some(at) = self.call_by_name(func) {
            let dotted = at == 0;
            // attrgetter takes several names.
            let last = if dotted { positional.max(1) } else { at + 1 };
            for i in at..last {
                let arg = args.get(i).copied().unwrap_or(NONE);
                self.named(arg, dotted, if arg == NONE { (start, end) } else { self.range(arg) });
            }
            // What `getattr` returned may be a function or a module that is forbidden.
            self.reached(id, start, end);
        } else if let Some(Kind::Attribute { name, .. }) = self.tree.get(func).map(|n| &n.kind)
            && matches!(name.as_str(), "get" | "pop" | "__getitem__" | "setdefault")
        {
            self.reached(id, start, end);
        }
    }

    /// An attribute reached by the name that `arg` is worth.
    fn named(&mut self, arg: NodeId, dotted: bool, (start, end): (usize, usize)) {
        let value = self.values.of(arg).clone();
        for one in value.each() {
            match one {
                Value::Str(name) if dotted => {
                    for part in name.split('.') {
                        self.attribute_named(part, start, end);
                    }
                }
                Value::Str(name) => self.attribute_named(name, start, end),
                one if is_plain_prefix(one) => {}
                Value::Prefix(_) | Value::Opaque => {
                    self.report.detect(Detector::OpaqueName, start, end, "", || {
                        "the name of an attribute is put together in a way that hides it".to_owned()
                    });
                }
                _ => self.report.detect(Detector::DynamicAttribute, start, end, "", || {
                    "the name of an attribute is computed".to_owned()
                }),
            }
        }
    }

    fn attribute_named(&mut self, name: &str, start: usize, end: usize) {
        let rules = self.report.rules;
        if let Some(&ix) = rules.attributes.get(name).or_else(|| rules.names.get(name)) {
            self.report
                .add(ix, start, end, name, || format!("use of attribute `{}` by its name", shorten(name)));
        }
    }

    fn subscript(&mut self, id: NodeId, base: NodeId, index: NodeId) {
        let (start, end) = self.range(index);
        let namespace = match self.tree.get(base).map(|n| &n.kind) {
            Some(Kind::Attribute { name, .. }) => name == "__dict__",
            Some(Kind::Call { func, .. }) => self
                .values
                .of(*func)
                .paths()
                .any(|p| matches!(p, "builtins.vars" | "builtins.globals" | "builtins.locals")),
            _ => self.values.of(base).paths().any(|p| matches!(p, "builtins" | "sys.modules")),
        };
        if namespace {
            self.named(index, false, (start, end));
        }
        if self.values.of(base).paths().next().is_some() {
            self.reached(id, start, end);
        }
    }

    /// A string by itself: the name of a forbidden attribute, or a format string that walks to one.
    fn string(&mut self, id: NodeId, start: usize, end: usize) {
        let Value::Str(text) = self.values.of(id).clone() else {
            // Too long to be kept as a value; its own text is still there.
            if let Some(Kind::Str(text)) = self.tree.get(id).map(|n| &n.kind) {
                self.format_string(text, start, end);
            }
            return;
        };
        let rules = self.report.rules;
        if text.starts_with('_')
            && let Some(&ix) = rules.attributes.get(&*text)
            && rules.rule(ix).action == Action::Deny
        {
            if self.dynamic {
                self.report.add(ix, start, end, &text, || {
                    format!(
                        "attribute `{text}` named by a string, where attributes are reached by computed names"
                    )
                });
            } else {
                self.report.detect(Detector::AttributeString, start, end, &text, || {
                    format!("a string is the name of attribute `{text}`")
                });
            }
        }
        self.format_string(&text, start, end);
    }

    fn format_string(&mut self, text: &str, start: usize, end: usize) {
        if self.report.rules.detector(Detector::FormatAttribute).is_none() || !text.contains(".__") {
            return;
        }
        for piece in text.split('{').skip(1) {
            let field = piece.split(['}', '!', ':']).next().unwrap_or_default();
            let parts: Vec<&str> = field.split(['.', '[']).map(|p| p.trim_end_matches(']')).collect();
            let walks = parts.iter().enumerate().skip(1).any(|(i, part)| {
                let dunder = part.len() > 4 && part.starts_with("__") && part.ends_with("__");
                let described = parts.get(i + 1).is_some_and(|next| DESCRIPTIVE.contains(next));
                dunder && !DESCRIPTIVE.contains(part) && !(*part == "__class__" && described)
            });
            if walks {
                self.report.detect(Detector::FormatAttribute, start, end, field, || {
                    format!("format field `{}` walks through special attributes", shorten(field))
                });
                return;
            }
        }
    }
}

/// `"visit_" + x`: whatever follows, it is no special attribute.
fn is_plain_prefix(value: &Value) -> bool {
    matches!(value, Value::Prefix(p) if !p.starts_with('_') && !p.is_empty())
}

fn strip_builtins(path: &str) -> &str {
    path.strip_prefix("builtins.").unwrap_or(path)
}

fn shorten(name: &str) -> String {
    crate::policy::rules::shorten(name)
}
