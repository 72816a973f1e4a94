//! The second parser: ruff's, which follows the newest Python, lowered to the judge's tree.
use super::ir::{Kind, NONE, NodeId, Tree, identifier};
use ruff_python_ast::visitor::{self, Visitor};
use ruff_python_ast::{
    Expr, ExprContext, Identifier, InterpolatedStringElement, Number, Operator, Parameters, Pattern, Stmt,
    UnaryOp,
};
use ruff_text_size::{Ranged, TextRange};

/// Parses `text`, or says where the parser stopped and why.
pub(crate) fn parse(text: &str, max_depth: usize) -> Result<Tree, (usize, String)> {
    let parsed = ruff_python_parser::parse_module(text)
        .map_err(|e| (e.location.start().to_usize(), e.error.to_string()))?;
    let mut lower = Lower { tree: Tree::default(), depth: 0, max_depth };
    for statement in &parsed.syntax().body {
        lower.visit_stmt(statement);
    }
    Ok(lower.tree)
}

struct Lower {
    tree: Tree,
    depth: usize,
    max_depth: usize,
}

/// The visitor's own walk covers every node; what the judge gives a meaning to is lowered by hand.
impl<'a> Visitor<'a> for Lower {
    fn visit_stmt(&mut self, statement: &'a Stmt) {
        if self.entered() {
            self.statement(statement);
            self.depth -= 1;
        }
    }

    fn visit_expr(&mut self, expr: &'a Expr) {
        self.expr(expr);
    }

    fn visit_pattern(&mut self, pattern: &'a Pattern) {
        self.pattern(pattern, NONE);
    }

    fn visit_parameters(&mut self, parameters: &'a Parameters) {
        self.parameters(parameters);
    }
}

impl Lower {
    fn push(&mut self, kind: Kind, at: TextRange) -> NodeId {
        self.tree.push(kind, at.start().to_u32(), at.end().to_u32())
    }

    fn bind(&mut self, target: NodeId, value: NodeId) {
        self.tree.push(Kind::Bind { target, value }, 0, 0);
    }

    fn bind_each(&mut self, target: NodeId, value: NodeId) {
        self.tree.push(Kind::BindEach { target, value }, 0, 0);
    }

    fn name(&mut self, name: &Identifier) -> NodeId {
        self.push(Kind::Name { id: identifier(&name.id), store: true }, name.range)
    }

    fn exprs<'a>(&mut self, exprs: impl IntoIterator<Item = &'a Expr>) -> Vec<NodeId> {
        exprs.into_iter().map(|e| self.expr(e)).collect()
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
        match statement {
            Stmt::Assign(s) => {
                let value = self.expr(&s.value);
                for target in &s.targets {
                    let target = self.expr(target);
                    self.bind(target, value);
                }
            }
            Stmt::AugAssign(s) => {
                let target = self.expr(&s.target);
                let value = self.expr(&s.value);
                let sum = self.push(Kind::Add(target, value), s.range);
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
            Stmt::For(s) => {
                let iter = self.expr(&s.iter);
                let target = self.expr(&s.target);
                self.bind_each(target, iter);
                self.visit_body(&s.body);
                self.visit_body(&s.orelse);
            }
            Stmt::With(s) => {
                for item in &s.items {
                    let value = self.expr(&item.context_expr);
                    if let Some(target) = &item.optional_vars {
                        let target = self.expr(target);
                        self.bind(target, value);
                    }
                }
                self.visit_body(&s.body);
            }
            Stmt::Match(s) => {
                let subject = self.expr(&s.subject);
                for case in &s.cases {
                    self.pattern(&case.pattern, subject);
                    if let Some(guard) = &case.guard {
                        self.expr(guard);
                    }
                    self.visit_body(&case.body);
                }
            }
            Stmt::Try(s) => {
                if let (Some(first), Some(last), false) =
                    (s.body.first(), s.body.last(), s.handlers.is_empty())
                {
                    self.tree.guards.push((first.range().start().to_u32(), last.range().end().to_u32()));
                }
                self.visit_body(&s.body);
                for ruff_python_ast::ExceptHandler::ExceptHandler(handler) in &s.handlers {
                    if let Some(kind) = &handler.type_ {
                        self.expr(kind);
                    }
                    if let Some(name) = &handler.name {
                        let target = self.name(name);
                        self.bind(target, NONE);
                    }
                    self.visit_body(&handler.body);
                }
                self.visit_body(&s.orelse);
                self.visit_body(&s.finalbody);
            }
            Stmt::Import(s) => {
                for name in &s.names {
                    let alias = name.asname.as_ref().map(|n| identifier(&n.id));
                    self.push(
                        Kind::Import { module: identifier(&name.name.id), alias, binds: true },
                        name.range,
                    );
                }
            }
            Stmt::ImportFrom(s) => {
                let module = s.module.as_ref().map(|m| identifier(&m.id)).unwrap_or_default();
                for name in &s.names {
                    let alias = name.asname.as_ref().map(|n| identifier(&n.id));
                    let (module, name_id) = (module.clone(), identifier(&name.name.id));
                    self.push(Kind::ImportFrom { module, name: name_id, alias, level: s.level }, name.range);
                }
                if s.level == 0 {
                    let range = s.module.as_ref().map_or(s.range, |m| m.range);
                    self.push(Kind::Import { module, alias: None, binds: false }, range);
                }
            }
            Stmt::Expr(s) if s.value.is_string_literal_expr() => {
                self.push(Kind::Docstring, s.range);
            }
            _ => visitor::walk_stmt(self, statement),
        }
    }

    fn parameters(&mut self, parameters: &Parameters) {
        let all = parameters.posonlyargs.iter().chain(&parameters.args).chain(&parameters.kwonlyargs);
        for parameter in all {
            if let Some(annotation) = &parameter.parameter.annotation {
                self.expr(annotation);
            }
            let target = self.name(&parameter.parameter.name);
            let value = match &parameter.default {
                Some(default) => self.expr(default),
                None => NONE,
            };
            self.bind(target, value);
        }
        for parameter in [&parameters.vararg, &parameters.kwarg].into_iter().flatten() {
            if let Some(annotation) = &parameter.annotation {
                self.expr(annotation);
            }
            let target = self.name(&parameter.name);
            self.bind(target, NONE);
        }
    }

    fn pattern(&mut self, pattern: &Pattern, subject: NodeId) {
        if !self.entered() {
            return;
        }
        match pattern {
            Pattern::MatchClass(p) => {
                self.expr(&p.cls);
                p.arguments.patterns.iter().for_each(|p| self.pattern(p, NONE));
                for keyword in &p.arguments.keywords {
                    let kind = Kind::Attribute { base: subject, name: identifier(&keyword.attr.id) };
                    let value = self.push(kind, keyword.range);
                    self.pattern(&keyword.pattern, value);
                }
            }
            Pattern::MatchAs(p) => {
                if let Some(inner) = &p.pattern {
                    self.pattern(inner, subject);
                }
                if let Some(name) = &p.name {
                    let target = self.name(name);
                    self.bind(target, subject);
                }
            }
            Pattern::MatchOr(p) => p.patterns.iter().for_each(|p| self.pattern(p, subject)),
            _ => visitor::walk_pattern(self, pattern),
        }
        self.depth -= 1;
    }

    fn expr(&mut self, expr: &Expr) -> NodeId {
        if !self.entered() {
            return NONE;
        }
        let kind = self.kind(expr);
        self.depth -= 1;
        self.push(kind, expr.range())
    }

    fn elements<'a>(
        &mut self,
        elements: impl IntoIterator<Item = &'a InterpolatedStringElement>,
    ) -> Vec<NodeId> {
        let mut parts = Vec::new();
        for element in elements {
            match element {
                InterpolatedStringElement::Literal(text) => {
                    parts.push(self.push(Kind::Str(text.value.to_string()), text.range));
                }
                InterpolatedStringElement::Interpolation(field) => {
                    parts.push(self.expr(&field.expression));
                    if let Some(spec) = &field.format_spec
                        && self.entered()
                    {
                        self.elements(&spec.elements);
                        self.depth -= 1;
                    }
                }
            }
        }
        parts
    }

    fn kind(&mut self, expr: &Expr) -> Kind {
        match expr {
            Expr::Name(e) => Kind::Name { id: identifier(&e.id), store: !matches!(e.ctx, ExprContext::Load) },
            Expr::Attribute(e) => {
                let base = self.expr(&e.value);
                Kind::Attribute { base, name: identifier(&e.attr.id) }
            }
            Expr::Call(e) => {
                let func = self.expr(&e.func);
                let mut args = self.exprs(&e.arguments.args);
                let positional = args.len();
                args.extend(e.arguments.keywords.iter().map(|k| self.expr(&k.value)));
                Kind::Call { func, args, positional }
            }
            Expr::Subscript(e) => {
                let base = self.expr(&e.value);
                Kind::Subscript { base, index: self.expr(&e.slice) }
            }
            Expr::Slice(e) => {
                let reverse =
                    e.lower.is_none() && e.upper.is_none() && e.step.as_deref().is_some_and(is_minus_one);
                visitor::walk_expr(self, expr);
                if reverse { Kind::ReverseSlice } else { Kind::Other }
            }
            Expr::StringLiteral(e) => Kind::Str(e.value.to_str().to_owned()),
            Expr::BytesLiteral(e) => Kind::Bytes(e.value.bytes().collect()),
            Expr::NumberLiteral(e) => match &e.value {
                Number::Int(i) => i.as_i64().map_or(Kind::Other, Kind::Int),
                Number::Float(_) | Number::Complex { .. } => Kind::Other,
            },
            Expr::FString(e) => {
                let mut parts = Vec::new();
                for part in &e.value {
                    match part {
                        ruff_python_ast::FStringPart::Literal(text) => {
                            parts.push(self.push(Kind::Str(text.value.to_string()), text.range));
                        }
                        ruff_python_ast::FStringPart::FString(inner) => {
                            parts.extend(self.elements(&inner.elements));
                        }
                    }
                }
                Kind::Join(parts)
            }
            Expr::TString(e) => {
                self.elements(e.value.elements());
                Kind::Other
            }
            Expr::BinOp(e) => {
                let (left, right) = (self.expr(&e.left), self.expr(&e.right));
                match e.op {
                    Operator::Add => Kind::Add(left, right),
                    Operator::Mult | Operator::Mod => Kind::Mix(left, right),
                    _ => Kind::Other,
                }
            }
            Expr::BoolOp(e) => Kind::Either(self.exprs(&e.values)),
            Expr::If(e) => {
                self.expr(&e.test);
                let body = self.expr(&e.body);
                Kind::Either(vec![body, self.expr(&e.orelse)])
            }
            Expr::Starred(e) => Kind::Either(vec![self.expr(&e.value)]),
            Expr::Named(e) => {
                let value = self.expr(&e.value);
                let target = self.expr(&e.target);
                self.bind(target, value);
                Kind::Either(vec![value])
            }
            Expr::List(e) => Kind::Sequence(self.exprs(&e.elts)),
            Expr::Tuple(e) => Kind::Sequence(self.exprs(&e.elts)),
            Expr::Set(e) => Kind::Sequence(self.exprs(&e.elts)),
            Expr::ListComp(e) => self.comprehension(&e.generators, [Some(&*e.elt), None]),
            Expr::SetComp(e) => self.comprehension(&e.generators, [Some(&*e.elt), None]),
            Expr::Generator(e) => self.comprehension(&e.generators, [Some(&*e.elt), None]),
            Expr::DictComp(e) => self.comprehension(&e.generators, [e.key.as_deref(), Some(&*e.value)]),
            _ => {
                visitor::walk_expr(self, expr);
                Kind::Other
            }
        }
    }

    fn comprehension(
        &mut self,
        generators: &[ruff_python_ast::Comprehension],
        parts: [Option<&Expr>; 2],
    ) -> Kind {
        for generator in generators {
            let iter = self.expr(&generator.iter);
            let target = self.expr(&generator.target);
            self.bind_each(target, iter);
            self.exprs(&generator.ifs);
        }
        self.exprs(parts.into_iter().flatten());
        Kind::Other
    }
}

fn is_minus_one(expr: &Expr) -> bool {
    let Expr::UnaryOp(unary) = expr else { return false };
    let Expr::NumberLiteral(number) = &*unary.operand else { return false };
    matches!(unary.op, UnaryOp::USub) && matches!(&number.value, Number::Int(i) if i.as_i64() == Some(1))
}
