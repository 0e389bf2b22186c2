//! Pages as lists of what is drawn on them, and the tree of meanings that goes with it. Pages are drawn
//! when all are known, because each says how many there are.

use std::ops::Range;
use std::rc::Rc;

use krilla::tagging::{Tag, TagKind};

use super::palette::Color;
use super::type_setter::{Face, Lines, TypeSetter};
use super::{BOTTOM, TOP};
use crate::report::text::Text;

/// Something on a page.
#[derive(Debug)]
pub(super) enum Op {
    Rect {
        x: f32,
        y: f32,
        width: f32,
        height: f32,
        color: Color,
    },
    /// Some lines of a text. What has no place in the tree is repeated or decorates.
    Text {
        x: f32,
        y: f32,
        lines: Rc<Lines>,
        range: Range<usize>,
        leaf: Option<usize>,
    },
    /// Rectangles that mean something together.
    Figure {
        rects: Vec<(f32, f32, f32, f32, Color)>,
        leaf: usize,
    },
}

/// A part of the tree: what it means, and what it is made of.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) tag: TagKind,
    pub(super) children: Vec<Child>,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Child {
    Node(usize),
    Leaf(usize),
}

/// A heading that readers jump to.
#[derive(Debug)]
pub(super) struct Bookmark {
    pub(super) level: usize,
    pub(super) title: String,
    pub(super) page: usize,
    pub(super) y: f32,
}

pub(super) struct Canvas {
    pub(super) set: TypeSetter,
    pub(super) pages: Vec<Vec<Op>>,
    /// The first is the root.
    pub(super) nodes: Vec<Node>,
    pub(super) leaves: usize,
    pub(super) bookmarks: Vec<Bookmark>,
    /// Anchors with the place of their pages.
    pub(super) anchors: Vec<(&'static str, usize)>,
    /// How far the page is filled.
    pub(super) y: f32,
}

impl Canvas {
    pub(super) fn new(set: TypeSetter) -> Self {
        Self {
            set,
            pages: vec![Vec::new()],
            nodes: vec![Node {
                tag: Tag::Part.into(),
                children: Vec::new(),
            }],
            leaves: 0,
            bookmarks: Vec::new(),
            anchors: Vec::new(),
            y: TOP,
        }
    }

    /// Adds a part to the tree.
    pub(super) fn node(&mut self, parent: usize, tag: impl Into<TagKind>) -> usize {
        let node = self.nodes.len();
        self.nodes.push(Node {
            tag: tag.into(),
            children: Vec::new(),
        });
        self.adopt(parent, Child::Node(node));
        node
    }

    fn adopt(&mut self, parent: usize, child: Child) {
        if let Some(parent) = self.nodes.get_mut(parent) {
            parent.children.push(child);
        }
    }

    fn leaf(&mut self, node: Option<usize>) -> Option<usize> {
        let node = node?;
        let leaf = self.leaves;
        self.leaves += 1;
        self.adopt(node, Child::Leaf(leaf));
        Some(leaf)
    }

    pub(super) const fn room(&self) -> f32 {
        BOTTOM - self.y
    }

    /// Goes on to a new page unless so much room is left on this one.
    pub(super) fn need(&mut self, height: f32) {
        if self.room() < height && self.y > TOP {
            self.turn();
        }
    }

    /// Begins a new page.
    pub(super) fn turn(&mut self) {
        self.pages.push(Vec::new());
        self.y = TOP;
    }

    pub(super) const fn space(&mut self, height: f32) {
        self.y += height;
    }

    fn op(&mut self, op: Op) {
        if let Some(page) = self.pages.last_mut() {
            page.push(op);
        }
    }

    pub(super) fn rect(&mut self, (x, y): (f32, f32), (width, height): (f32, f32), color: Color) {
        self.op(Op::Rect {
            x,
            y,
            width,
            height,
            color,
        });
    }

    pub(super) fn figure(&mut self, node: usize, rects: Vec<(f32, f32, f32, f32, Color)>) {
        if let Some(leaf) = self.leaf(Some(node)) {
            self.op(Op::Figure { rects, leaf });
        }
    }

    /// Draws lines of a text at a place on the page.
    pub(super) fn place(
        &mut self,
        (x, y): (f32, f32),
        lines: &Rc<Lines>,
        range: Range<usize>,
        node: Option<usize>,
    ) {
        let leaf = self.leaf(node);
        self.op(Op::Text {
            x,
            y,
            lines: Rc::clone(lines),
            range,
            leaf,
        });
    }

    /// Sets a text and draws all of it at a place on the page; returns its height.
    pub(super) fn put(
        &mut self,
        at: (f32, f32),
        text: &Text,
        (face, width): (Face, f32),
        node: Option<usize>,
    ) -> f32 {
        let lines = self.set.set(text, face, width);
        self.place(at, &lines, 0..lines.lines.len(), node);
        lines.height
    }

    /// Sets a text below what stands on the page, over as many pages as it takes.
    pub(super) fn flow(&mut self, text: &Text, face: Face, (x, width): (f32, f32), node: usize) {
        let lines = self.set.set(text, face, width);
        self.flow_lines(&lines, x, node);
    }

    pub(super) fn flow_lines(&mut self, lines: &Rc<Lines>, x: f32, node: usize) {
        let all = lines.lines.len();
        let mut from = 0;
        while from < all {
            let mut until = fitting(lines, from, self.room());
            // no single line at the foot or head of a page
            if until < all && until - from < 2 && self.y > TOP {
                until = from;
            } else if all - until == 1 && until - from > 2 {
                until -= 1;
            }
            if until == from {
                if self.y > TOP {
                    self.turn();
                    continue;
                }
                until = from + 1;
            }
            self.place((x, self.y), lines, from..until, Some(node));
            self.y += extent(lines, from, until);
            from = until;
            if from < all {
                self.turn();
            }
        }
    }

    /// Marks the place for bookmarks and the crosswalk.
    pub(super) fn bookmark(&mut self, level: usize, title: String) {
        self.bookmarks.push(Bookmark {
            level,
            title,
            page: self.pages.len() - 1,
            y: self.y,
        });
    }

    pub(super) fn anchor(&mut self, anchor: &'static str) {
        self.anchors.push((anchor, self.pages.len() - 1));
    }
}

/// The height of those lines.
pub(super) fn extent(lines: &Lines, from: usize, until: usize) -> f32 {
    let lines = lines.lines.get(from..until).unwrap_or_default();
    lines.iter().map(|line| line.height).sum()
}

/// The end of the lines that fit into a height.
pub(super) fn fitting(lines: &Lines, from: usize, height: f32) -> usize {
    let mut left = height;
    let rest = lines.lines.iter().skip(from);
    let fits = rest.take_while(|line| {
        left -= line.height;
        left >= -0.01
    });
    from + fits.count()
}
