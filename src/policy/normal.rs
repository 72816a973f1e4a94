//! A text in a normal form, with the way back to the source that it was made from.

/// The text, and where each piece of it stands in the source.
#[derive(Debug, Default)]
pub(crate) struct Normal {
    pub(crate) text: String,
    /// Start in `text`, start and end in the source, and whether it is data (a string's contents).
    pieces: Vec<(usize, usize, usize, bool)>,
}

impl Normal {
    pub(crate) fn add(&mut self, text: &str, start: usize, end: usize, data: bool) {
        if !text.is_empty() {
            self.pieces.push((self.text.len(), start, end, data));
            self.text.push_str(text);
        }
    }

    fn index(&self, offset: usize) -> Option<usize> {
        self.pieces.partition_point(|p| p.0 <= offset).checked_sub(1)
    }

    /// If `offset` lies in a string's contents: where in the text they end.
    pub(crate) fn data_end(&self, offset: usize) -> Option<usize> {
        let i = self.index(offset)?;
        self.pieces[i].3.then(|| self.pieces.get(i + 1).map_or(self.text.len(), |p| p.0))
    }

    /// The source range of a range of the text.
    pub(crate) fn source(&self, start: usize, end: usize) -> (usize, usize) {
        let at = |offset| self.index(offset).map_or((0, 0), |i| (self.pieces[i].1, self.pieces[i].2));
        (at(start).0, at(end.saturating_sub(1).max(start)).1)
    }
}
