//! The first parser: `rustpython-parser`, lowered to the judge's tree.
use super::ir::{Kind, NONE, NodeId, Tree, identifier};
use rustpython_parser::Parse;
use rustpython_parser::ast::{self, Constant, Expr, Pattern, Ranged, Stmt};

/// Parses `text`, or says where the parser stopped and why.
pub(crate) fn parse(text: &str, max_depth: usize) -> Result<Tree, (usize, String)> {
    let suite = ast::Suite::parse(text, "").map_err(|e| (usize::from(e.offset), e.error.to_string()))?;
    let mut lower = Lower { text, tree: Tree::default(), depth: 0, max_depth };
    lower.body(&suite);
    Ok(lower.tree)
}

struct Lower<'a> {
    text: &'a str,
    tree: Tree,
    depth: usize,
    max_depth: usize,
}

impl Lower<'_> {
    fn push<N: Ranged>(&mut self, kind: Kind, at: &N) -> NodeId {
        self.tree.push(kind, at.start().to_u32(), at.end().to_u32())
    }

    fn bind(&mut self, target: NodeId, value: NodeId) {
        self.tree.push(Kind::Bind { target, value }, 0, 0);
    }

    fn bind_each(&mut self, target: NodeId, value: NodeId) {
        self.tree.push(Kind::BindEach { target, value }, 0, 0);
    }

    fn name<N: Ranged>(&mut self, id: &str, at: &N) -> NodeId {
        self.push(Kind::Name { id: identifier(id), store: true }, at)
    }

    fn body(&mut self, body: &[Stmt]) {
        for statement in body {
            self.statement(statement);
        }
    }

    fn exprs(&mut self, exprs: &[Expr]) -> Vec<NodeId> {
        exprs.iter().map(|e| self.expr(e)).collect()
    }

    fn option(&mut self, expr: Option<&Expr>) {
        if let Some(expr) = expr {
            self.expr(expr);
        }
    }

    fn entered(&mut self) -> bool {
        if self.depth >= self.max_depth {
            self.tree.too_deep = true;
            return false;
        }
        self.depth += 1;
        true
    }

    fn statement(&mut self, statement: &Stmt) {
        if self.entered() {
            self.statement_inside(statement);
            self.depth -= 1;
        }
    }

    fn statement_inside(&mut self, statement: &Stmt) {
        match statement {
            Stmt::FunctionDef(s) => {
                self.function(&s.decorator_list, &s.type_params, &s.args, s.returns.as_deref());
                self.body(&s.body);
            }
            Stmt::AsyncFunctionDef(s) => {
                self.function(&s.decorator_list, &s.type_params, &s.args, s.returns.as_deref());
                self.body(&s.body);
            }
            Stmt::ClassDef(s) => {
                self.exprs(&s.decorator_list);
                self.type_params(&s.type_params);
                self.exprs(&s.bases);
                for keyword in &s.keywords {
                    self.expr(&keyword.value);
                }
                self.body(&s.body);
            }
            Stmt::Return(s) => self.option(s.value.as_deref()),
            Stmt::Delete(s) => {
                self.exprs(&s.targets);
            }
            Stmt::Assign(s) => {
                let value = self.expr(&s.value);
                for target in &s.targets {
                    let target = self.expr(target);
                    self.bind(target, value);
                }
            }
            Stmt::TypeAlias(s) => {
                self.expr(&s.name);
                self.type_params(&s.type_params);
                self.expr(&s.value);
            }
            Stmt::AugAssign(s) => {
                let target = self.expr(&s.target);
                let value = self.expr(&s.value);
                let sum = self.push(Kind::Add(target, value), statement);
                self.bind(target, sum);
            }
            Stmt::AnnAssign(s) => {
                let target = self.expr(&s.target);
                self.expr(&s.annotation);
                if let Some(value) = &s.value {
                    let value = self.expr(value);
                    self.bind(target, value);
                }
            }
            Stmt::For(s) => self.for_loop(&s.target, &s.iter, &s.body, &s.orelse),
            Stmt::AsyncFor(s) => self.for_loop(&s.target, &s.iter, &s.body, &s.orelse),
            Stmt::While(s) => {
                self.expr(&s.test);
                self.body(&s.body);
                self.body(&s.orelse);
            }
            Stmt::If(s) => {
                self.expr(&s.test);
                self.body(&s.body);
                self.body(&s.orelse);
            }
            Stmt::With(s) => self.with(&s.items, &s.body),
            Stmt::AsyncWith(s) => self.with(&s.items, &s.body),
            Stmt::Match(s) => {
                let subject = self.expr(&s.subject);
                for case in &s.cases {
                    self.pattern(&case.pattern, subject);
                    self.option(case.guard.as_deref());
                    self.body(&case.body);
                }
            }
            Stmt::Raise(s) => {
                self.option(s.exc.as_deref());
                self.option(s.cause.as_deref());
            }
            Stmt::Try(s) => self.try_block(&s.body, &s.handlers, &s.orelse, &s.finalbody),
            Stmt::TryStar(s) => self.try_block(&s.body, &s.handlers, &s.orelse, &s.finalbody),
            Stmt::Assert(s) => {
                self.expr(&s.test);
                self.option(s.msg.as_deref());
            }
            Stmt::Import(s) => {
                for name in &s.names {
                    let alias = name.asname.as_ref().map(|n| identifier(n));
                    self.push(Kind::Import { module: identifier(&name.name), alias, binds: true }, name);
                }
            }
            Stmt::ImportFrom(s) => {
                let module = s.module.as_ref().map(|m| identifier(m)).unwrap_or_default();
                let level = s.level.map_or(0, |l| l.to_u32());
                // The parser gives the module no place of its own: it is the first word after `from`.
                let from = statement.start().to_usize() + "from".len();
                let rest = self.text.get(from..).unwrap_or_default();
                let gap = rest.find(|c: char| c != '.' && !c.is_whitespace()).unwrap_or(0);
                let start = super::super::source::to_u32(from + gap);
                let end = start + super::super::source::to_u32(module.len());
                for name in &s.names {
                    let alias = name.asname.as_ref().map(|n| identifier(n));
                    let (module, name_id) = (module.clone(), identifier(&name.name));
                    self.push(Kind::ImportFrom { module, name: name_id, alias, level }, name);
                }
                if level == 0 {
                    self.tree.push(Kind::Import { module, alias: None, binds: false }, start, end);
                }
            }
            Stmt::Expr(s) => match &*s.value {
                Expr::Constant(c) if matches!(c.value, Constant::Str(_)) => {
                    self.push(Kind::Docstring, statement);
                }
                value => {
                    self.expr(value);
                }
            },
            Stmt::Global(_) | Stmt::Nonlocal(_) | Stmt::Pass(_) | Stmt::Break(_) | Stmt::Continue(_) => {}
        }
    }

    fn function(
        &mut self,
        decorators: &[Expr],
        type_params: &[ast::TypeParam],
        args: &ast::Arguments,
        returns: Option<&Expr>,
    ) {
        self.exprs(decorators);
        self.type_params(type_params);
        self.arguments(args);
        self.option(returns);
    }

    fn arguments(&mut self, args: &ast::Arguments) {
        for arg in args.posonlyargs.iter().chain(&args.args).chain(&args.kwonlyargs) {
            self.option(arg.def.annotation.as_deref());
            let target = self.name(&arg.def.arg, &arg.def);
            let value = match &arg.default {
                Some(default) => self.expr(default),
                None => NONE,
            };
            self.bind(target, value);
        }
        for arg in [&args.vararg, &args.kwarg].into_iter().flatten() {
            self.option(arg.annotation.as_deref());
            let target = self.name(&arg.arg, &**arg);
            self.bind(target, NONE);
        }
    }

    fn type_params(&mut self, params: &[ast::TypeParam]) {
        for param in params {
            if let ast::TypeParam::TypeVar(param) = param {
                self.option(param.bound.as_deref());
            }
        }
    }

    fn for_loop(&mut self, target: &Expr, iter: &Expr, body: &[Stmt], orelse: &[Stmt]) {
        let iter = self.expr(iter);
        let target = self.expr(target);
        self.bind_each(target, iter);
        self.body(body);
        self.body(orelse);
    }

    fn with(&mut self, items: &[ast::WithItem], body: &[Stmt]) {
        for item in items {
            let value = self.expr(&item.context_expr);
            if let Some(target) = &item.optional_vars {
                let target = self.expr(target);
                self.bind(target, value);
            }
        }
        self.body(body);
    }

    fn try_block(&mut self, body: &[Stmt], handlers: &[ast::ExceptHandler], orelse: &[Stmt], last: &[Stmt]) {
        if let (Some(first), Some(last), false) = (body.first(), body.last(), handlers.is_empty()) {
            self.tree.guards.push((first.start().into(), last.end().into()));
        }
        self.body(body);
        for ast::ExceptHandler::ExceptHandler(handler) in handlers {
            self.option(handler.type_.as_deref());
            if let Some(name) = &handler.name {
                let target = self.name(name, handler);
                self.bind(target, NONE);
            }
            self.body(&handler.body);
        }
        self.body(orelse);
        self.body(last);
    }

    /// A pattern reads attributes and binds names; what it binds is taken to be the subject.
    fn pattern(&mut self, pattern: &Pattern, subject: NodeId) {
        if !self.entered() {
            return;
        }
        match pattern {
            Pattern::MatchValue(p) => {
                self.expr(&p.value);
            }
            Pattern::MatchSingleton(_) => {}
            Pattern::MatchSequence(p) => {
                p.patterns.iter().for_each(|p| self.pattern(p, NONE));
            }
            Pattern::MatchMapping(p) => {
                self.exprs(&p.keys);
                p.patterns.iter().for_each(|p| self.pattern(p, NONE));
            }
            Pattern::MatchClass(p) => {
                self.expr(&p.cls);
                p.patterns.iter().for_each(|p| self.pattern(p, NONE));
                for (attr, inner) in p.kwd_attrs.iter().zip(&p.kwd_patterns) {
                    let kind = Kind::Attribute { base: subject, name: identifier(attr) };
                    // The keyword has no place of its own either: it stands before its pattern.
                    let (from, to) = (pattern.start().to_usize(), inner.start().to_usize());
                    let at = self
                        .text
                        .get(from..to)
                        .and_then(|t| t.rfind(attr.as_str()))
                        .map_or(from, |i| from + i);
                    let (start, end) = (super::super::source::to_u32(at), inner.end().to_u32());
                    let value = self.tree.push(kind, start, end);
                    self.pattern(inner, value);
                }
            }
            Pattern::MatchStar(_) => {}
            Pattern::MatchAs(p) => {
                if let Some(inner) = &p.pattern {
                    self.pattern(inner, subject);
                }
                if let Some(name) = &p.name {
                    let target = self.name(name, pattern);
                    self.bind(target, subject);
                }
            }
            Pattern::MatchOr(p) => p.patterns.iter().for_each(|p| self.pattern(p, subject)),
        }
        self.depth -= 1;
    }

    fn comprehension(&mut self, generators: &[ast::Comprehension]) {
        for generator in generators {
            let iter = self.expr(&generator.iter);
            let target = self.expr(&generator.target);
            self.bind_each(target, iter);
            self.exprs(&generator.ifs);
        }
    }

    fn expr(&mut self, expr: &Expr) -> NodeId {
        if !self.entered() {
            return NONE;
        }
        let kind = self.kind(expr);
        self.depth -= 1;
        match kind {
            Some(kind) => self.push(kind, expr),
            None => NONE,
        }
    }

    fn kind(&mut self, expr: &Expr) -> Option<Kind> {
        Some(match expr {
            Expr::BoolOp(e) => Kind::Either(self.exprs(&e.values)),
            Expr::NamedExpr(e) => {
                let value = self.expr(&e.value);
                let target = self.expr(&e.target);
                self.bind(target, value);
                Kind::Either(vec![value])
            }
            Expr::BinOp(e) => {
                let (left, right) = (self.expr(&e.left), self.expr(&e.right));
                match e.op {
                    ast::Operator::Add => Kind::Add(left, right),
                    ast::Operator::Mult | ast::Operator::Mod => Kind::Mix(left, right),
                    _ => Kind::Other,
                }
            }
            Expr::UnaryOp(e) => {
                self.expr(&e.operand);
                Kind::Other
            }
            Expr::Lambda(e) => {
                self.arguments(&e.args);
                self.expr(&e.body);
                Kind::Other
            }
            Expr::IfExp(e) => {
                self.expr(&e.test);
                let body = self.expr(&e.body);
                Kind::Either(vec![body, self.expr(&e.orelse)])
            }
            Expr::Dict(e) => {
                e.keys.iter().flatten().for_each(|k| {
                    self.expr(k);
                });
                self.exprs(&e.values);
                Kind::Other
            }
            Expr::Set(e) => Kind::Sequence(self.exprs(&e.elts)),
            Expr::List(e) => Kind::Sequence(self.exprs(&e.elts)),
            Expr::Tuple(e) => Kind::Sequence(self.exprs(&e.elts)),
            Expr::ListComp(e) => {
                self.comprehension(&e.generators);
                self.expr(&e.elt);
                Kind::Other
            }
            Expr::SetComp(e) => {
                self.comprehension(&e.generators);
                self.expr(&e.elt);
                Kind::Other
            }
            Expr::GeneratorExp(e) => {
                self.comprehension(&e.generators);
                self.expr(&e.elt);
                Kind::Other
            }
            Expr::DictComp(e) => {
                self.comprehension(&e.generators);
                self.expr(&e.key);
                self.expr(&e.value);
                Kind::Other
            }
            Expr::Await(e) => {
                self.expr(&e.value);
                Kind::Other
            }
            Expr::Yield(e) => {
                self.option(e.value.as_deref());
                Kind::Other
            }
            Expr::YieldFrom(e) => {
                self.expr(&e.value);
                Kind::Other
            }
            Expr::Compare(e) => {
                self.expr(&e.left);
                self.exprs(&e.comparators);
                Kind::Other
            }
            Expr::Call(e) => {
                let func = self.expr(&e.func);
                let mut args = self.exprs(&e.args);
                let positional = args.len();
                for keyword in &e.keywords {
                    args.push(self.expr(&keyword.value));
                }
                Kind::Call { func, args, positional }
            }
            Expr::FormattedValue(e) => {
                let value = self.expr(&e.value);
                self.option(e.format_spec.as_deref());
                Kind::Either(vec![value])
            }
            Expr::JoinedStr(e) => Kind::Join(self.exprs(&e.values)),
            Expr::Constant(e) => constant(&e.value),
            Expr::Attribute(e) => {
                let base = self.expr(&e.value);
                Kind::Attribute { base, name: identifier(&e.attr) }
            }
            Expr::Subscript(e) => {
                let base = self.expr(&e.value);
                let index = self.expr(&e.slice);
                Kind::Subscript { base, index }
            }
            Expr::Starred(e) => Kind::Either(vec![self.expr(&e.value)]),
            Expr::Name(e) => {
                let store = !matches!(e.ctx, ast::ExprContext::Load);
                Kind::Name { id: identifier(&e.id), store }
            }
            Expr::Slice(e) => {
                let reverse =
                    e.lower.is_none() && e.upper.is_none() && e.step.as_deref().is_some_and(is_minus_one);
                for part in [&e.lower, &e.upper, &e.step].into_iter().flatten() {
                    self.expr(part);
                }
                if reverse { Kind::ReverseSlice } else { Kind::Other }
            }
        })
    }
}

fn is_minus_one(expr: &Expr) -> bool {
    let Expr::UnaryOp(unary) = expr else { return false };
    let Expr::Constant(constant) = &*unary.operand else { return false };
    matches!(unary.op, ast::UnaryOp::USub)
        && matches!(&constant.value, Constant::Int(i) if i64::try_from(i.clone()).is_ok_and(|i| i == 1))
}

fn constant(value: &Constant) -> Kind {
    match value {
        Constant::Str(s) => Kind::Str(s.clone()),
        Constant::Bytes(b) => Kind::Bytes(b.clone()),
        Constant::Int(i) => i64::try_from(i.clone()).map_or(Kind::Other, Kind::Int),
        Constant::None
        | Constant::Bool(_)
        | Constant::Tuple(_)
        | Constant::Float(_)
        | Constant::Complex { .. }
        | Constant::Ellipsis => Kind::Other,
    }
}
