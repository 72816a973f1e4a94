//! The small tree that both parsers are lowered to, so that one judge serves both.
//!
//! Nodes lie in one vector, children before parents: everything after the lowering runs as loops over it.
use std::borrow::Cow;
use unicode_normalization::UnicodeNormalization;

/// An index into [`Tree::nodes`].
pub(crate) type NodeId = u32;

/// No node.
pub(crate) const NONE: NodeId = NodeId::MAX;

/// What a node is, as far as judging needs to know.
#[derive(Debug)]
pub(crate) enum Kind {
    /// A name; `store` where it is bound or deleted.
    Name {
        id: String,
        store: bool,
    },
    /// An attribute of `base` (`NONE` where a pattern reads it from the subject).
    Attribute {
        base: NodeId,
        name: String,
    },
    /// A call; keyword arguments come last in `args`.
    Call {
        func: NodeId,
        args: Vec<NodeId>,
        positional: usize,
    },
    /// `base[index]`.
    Subscript {
        base: NodeId,
        index: NodeId,
    },
    /// `[::-1]`, as far as it is known; anything else is `Other`.
    ReverseSlice,
    Str(String),
    Bytes(Vec<u8>),
    Int(i64),
    /// `left + right`.
    Add(NodeId, NodeId),
    /// `left * right` or `left % right`, which also make strings.
    Mix(NodeId, NodeId),
    /// An f-string: its parts, joined.
    Join(Vec<NodeId>),
    /// A list, tuple or set.
    Sequence(Vec<NodeId>),
    /// A keyword argument, starred value or conditional: one value of several, or one with a wrapper.
    Either(Vec<NodeId>),
    /// `target` takes the value of `value`: assignment, walrus, default, `with ... as`.
    Bind {
        target: NodeId,
        value: NodeId,
    },
    /// `target` takes each of `value`'s elements.
    BindEach {
        target: NodeId,
        value: NodeId,
    },
    /// `import module as alias`, or the module of a `from` import, which binds no name itself.
    Import {
        module: String,
        alias: Option<String>,
        binds: bool,
    },
    /// One name of `from module import name as alias`.
    ImportFrom {
        module: String,
        name: String,
        alias: Option<String>,
        level: u32,
    },
    /// A string that stands as a statement.
    Docstring,
    /// Anything else: its parts are judged, it has no value.
    Other,
}

#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) kind: Kind,
    pub(crate) start: u32,
    pub(crate) end: u32,
}

/// The lowered program.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    pub(crate) nodes: Vec<Node>,
    /// The lowering met more levels than the scan had promised.
    pub(crate) too_deep: bool,
    /// Where the bodies of `try` statements with handlers lie: what fails there, an import say, the program has foreseen.
    pub(crate) guards: Vec<(u32, u32)>,
}

impl Tree {
    pub(crate) fn push(&mut self, kind: Kind, start: u32, end: u32) -> NodeId {
        let id = super::super::source::to_u32(self.nodes.len());
        self.nodes.push(Node { kind, start, end });
        id
    }

    pub(crate) fn get(&self, id: NodeId) -> Option<&Node> {
        self.nodes.get(id as usize)
    }
}

/// An identifier as the interpreter sees it: in Unicode's NFKC form (PEP 3131).
pub(crate) fn identifier(name: &str) -> String {
    normalised(name).into_owned()
}

fn normalised(name: &str) -> Cow<'_, str> {
    if name.is_ascii() { Cow::Borrowed(name) } else { Cow::Owned(name.nfkc().collect()) }
}
