//! A reply's markdown as blocks of spans, read once for every channel.
//! Invariant: all text in it is inert, and its nesting is bounded whatever the source holds.
//! It must not know how a channel spells bold or how long a message may be.

mod read;

pub use read::read;

/// How deep quotes and lists nest; what is deeper joins the innermost.
pub const MAX_DEPTH: usize = 12;

/// One block of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Block {
    /// Running text.
    Paragraph(Vec<Span>),
    /// A heading.
    Heading {
        /// From 1, the largest, to 6.
        level: u8,
        /// Its text.
        spans: Vec<Span>,
    },
    /// Code, to be shown as it is.
    Code {
        /// The language as named after the fence; may be empty.
        language: String,
        /// The lines, each ended by a line feed.
        text: String,
    },
    /// A quotation.
    Quote(Vec<Block>),
    /// A list.
    List {
        /// The first number, if the list is numbered.
        start: Option<u64>,
        /// The items.
        items: Vec<Vec<Block>>,
    },
    /// A table.
    Table {
        /// The heading's cells.
        header: Vec<Vec<Span>>,
        /// The rows' cells.
        rows: Vec<Vec<Vec<Span>>>,
    },
    /// A rule across the page.
    Rule,
}

/// A run of text in one face.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// The text; a line feed in it is a line break that was asked for.
    pub text: String,
    /// How it is written.
    pub face: Face,
    /// Where it leads, if it is a link.
    pub link: Option<String>,
}

/// How a run of text is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Face {
    /// Bold.
    pub strong: bool,
    /// Italic.
    pub emphasis: bool,
    /// Struck through or code.
    pub mark: Mark,
}

/// What else a run of text is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mark {
    /// Nothing else.
    #[default]
    None,
    /// Struck through.
    Struck,
    /// Code.
    Code,
}
