//! The memory of an evaluation. Everything is paid for before it is allocated.
//!
//! A list that grows holds its old and its new place at the same time. Here both are paid for until the old
//! one is free, so what is in use never exceeds what was paid, whatever the allocator does. What becomes
//! large lies in blocks that never move, as allocators keep the gaps that moving leaves.

use std::ops::{Deref, DerefMut, Index, IndexMut};

use crate::error::{ErrorKind, EvalError};

/// Bytes that may still be taken.
#[derive(Debug)]
pub(crate) struct Memory {
    left: usize,
}

impl Memory {
    /// Makes a budget of so many bytes, some of which are taken already. A quarter is left to the allocator,
    /// which rounds up and loses gaps.
    pub(crate) const fn new(bytes: usize, taken: usize) -> Self {
        Self { left: (bytes - bytes / 4).saturating_sub(taken) }
    }

    /// Takes bytes. Once that has failed nothing is left, because the evaluation is over.
    #[inline]
    pub(crate) fn take(&mut self, bytes: usize) -> Result<(), EvalError> {
        match self.left.checked_sub(bytes) {
            Some(rest) => {
                self.left = rest;
                Ok(())
            }
            None => self.exhausted(),
        }
    }

    #[cold]
    #[inline(never)]
    fn exhausted(&mut self) -> Result<(), EvalError> {
        self.left = 0;
        Err(EvalError::limit(ErrorKind::Memory))
    }

    /// Gives back bytes that were taken and are free again.
    pub(crate) const fn give_back(&mut self, bytes: usize) {
        self.left += bytes;
    }

    /// Takes the bytes of a list that will hold so many items and never grows.
    pub(crate) fn list<T>(&mut self, items: usize) -> Result<Vec<T>, EvalError> {
        self.take(items.saturating_mul(size_of::<T>()))?;
        Ok(Vec::with_capacity(items))
    }
}

/// A list that pays before it grows.
///
/// What was paid depends on what was put in alone, not on room that an earlier evaluation left behind, so
/// that a limit is hit at the same place each time.
#[derive(Debug)]
pub(crate) struct List<T> {
    items: Vec<T>,
    /// The number of items that were paid for.
    room: usize,
}

impl<T> Default for List<T> {
    fn default() -> Self {
        Self { items: Vec::new(), room: 0 }
    }
}

impl<T> List<T> {
    /// The least room, in items.
    const LEAST: usize = if size_of::<T>() == 1 { 1024 } else { 64 };

    pub(crate) fn push(&mut self, item: T, memory: &mut Memory) -> Result<(), EvalError> {
        self.make_room(1, memory)?;
        self.items.push(item);
        Ok(())
    }

    /// Makes room for more items.
    #[inline]
    pub(crate) fn make_room(&mut self, more: usize, memory: &mut Memory) -> Result<(), EvalError> {
        // The room is never less than the length.
        if more <= self.room - self.items.len() { Ok(()) } else { self.grow(more, usize::MAX, memory) }
    }

    #[cold]
    #[inline(never)]
    /// Makes more room, by at least half where that does not exceed the most that is wanted.
    fn grow(&mut self, more: usize, most: usize, memory: &mut Memory) -> Result<(), EvalError> {
        let needed = self.items.len().saturating_add(more);
        let room = (self.room + self.room / 2).max(Self::LEAST).min(most).max(needed);
        memory.take(room.saturating_mul(size_of::<T>()))?;
        self.items.reserve_exact(room - self.items.len());
        memory.give_back(self.room * size_of::<T>());
        self.room = room;
        Ok(())
    }

    /// Makes an empty list with room for so many items and no more.
    pub(crate) fn with_room(items: usize, memory: &mut Memory) -> Result<Self, EvalError> {
        Ok(Self { items: memory.list(items)?, room: items })
    }

    /// Appends items whose number is known.
    pub(crate) fn extend(
        &mut self,
        items: impl ExactSizeIterator<Item = T>,
        memory: &mut Memory,
    ) -> Result<(), EvalError> {
        self.make_room(items.len(), memory)?;
        self.items.extend(items);
        Ok(())
    }

    /// The list itself, to append at most `more` items in ways of its own.
    pub(crate) fn appending(&mut self, more: usize, memory: &mut Memory) -> Result<&mut Vec<T>, EvalError> {
        self.make_room(more, memory)?;
        Ok(&mut self.items)
    }

    /// Empties the list and keeps its room.
    pub(crate) fn empty(&mut self) {
        self.items.clear();
    }

    /// Frees the list.
    pub(crate) fn free(self, memory: &mut Memory) {
        let bytes = self.room * size_of::<T>();
        drop(self.items);
        memory.give_back(bytes);
    }

    /// The items, whose memory stays paid for.
    pub(crate) fn into_vec(self) -> Vec<T> {
        self.items
    }
}

impl<T> Deref for List<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.items
    }
}

impl<T> DerefMut for List<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.items
    }
}

/// A list in blocks. The first block grows, and the others are allocated whole and never move.
#[derive(Debug)]
pub(crate) struct Blocks<T> {
    first: List<T>,
    more: Vec<Vec<T>>,
}

/// How many items a block holds.
const BLOCK: usize = 4096;

impl<T> Default for Blocks<T> {
    fn default() -> Self {
        Self { first: List::default(), more: Vec::new() }
    }
}

impl<T> Blocks<T> {
    #[inline]
    pub(crate) fn push(&mut self, item: T, memory: &mut Memory) -> Result<(), EvalError> {
        if self.first.items.len() < self.first.room {
            self.first.items.push(item);
            return Ok(());
        }
        self.push_behind(item, memory)
    }

    /// Appends an item when the first block is full.
    #[inline(never)]
    fn push_behind(&mut self, item: T, memory: &mut Memory) -> Result<(), EvalError> {
        if self.first.len() < BLOCK {
            self.first.grow(1, BLOCK, memory)?;
            self.first.items.push(item);
            return Ok(());
        }
        match self.more.last_mut() {
            Some(block) if block.len() < BLOCK => block.push(item),
            _ => {
                let mut block = memory.list(BLOCK)?;
                block.push(item);
                self.more.push(block);
            }
        }
        Ok(())
    }

    /// Appends items whose number is known.
    pub(crate) fn extend(
        &mut self,
        items: impl ExactSizeIterator<Item = T>,
        memory: &mut Memory,
    ) -> Result<(), EvalError> {
        if items.len() <= self.first.room - self.first.len() {
            self.first.items.extend(items);
            return Ok(());
        }
        for item in items {
            self.push(item, memory)?;
        }
        Ok(())
    }

    #[inline]
    pub(crate) fn len(&self) -> usize {
        if self.more.is_empty() {
            return self.first.items.len();
        }
        let whole = self.more.len().saturating_sub(1) * BLOCK;
        self.first.len() + whole + self.more.last().map_or(0, Vec::len)
    }

    /// An item that is not in the first block.
    #[inline(never)]
    fn behind(&self, at: usize) -> &T {
        let behind = at - BLOCK;
        &self.more[behind / BLOCK][behind % BLOCK]
    }

    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = &T> + DoubleEndedIterator {
        (0..self.len()).map(|at| &self[at])
    }

    /// Empties the list for an evaluation, which pays [`Self::READY`] for it before it begins. The first
    /// block keeps the memory that it has.
    pub(super) fn make_ready(&mut self) {
        self.first.items.clear();
        self.first.items.reserve_exact(List::<T>::LEAST);
        self.first.room = List::<T>::LEAST;
        self.more.clear();
    }

    /// The bytes of a list that was made ready.
    pub(super) const READY: usize = List::<T>::LEAST * size_of::<T>();

    /// Frees the list.
    pub(crate) fn free(self, memory: &mut Memory) {
        let bytes = self.more.len() * BLOCK * size_of::<T>();
        drop(self.more);
        memory.give_back(bytes);
        self.first.free(memory);
    }
}

impl<T> Index<usize> for Blocks<T> {
    type Output = T;

    #[inline]
    fn index(&self, at: usize) -> &T {
        match self.first.items.get(at) {
            Some(item) => item,
            None => self.behind(at),
        }
    }
}

impl<T> IndexMut<usize> for Blocks<T> {
    #[inline]
    fn index_mut(&mut self, at: usize) -> &mut T {
        if at < self.first.items.len() {
            return &mut self.first.items[at];
        }
        let behind = at - BLOCK;
        &mut self.more[behind / BLOCK][behind % BLOCK]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_pays_for_both_places_while_it_grows() {
        let mut memory = Memory { left: 64 * 8 + 96 * 8 };
        let mut list = List::default();
        for number in 0..96_u64 {
            list.push(number, &mut memory).unwrap();
        }
        assert_eq!(memory.left, 64 * 8);
        // 144 items do not fit beside the 96 that are there.
        assert_eq!(list.push(96, &mut memory).unwrap_err().kind(), ErrorKind::Memory);
        assert_eq!(memory.left, 0);
        list.free(&mut memory);
        assert_eq!(memory.left, 96 * 8);
    }

    #[test]
    fn blocks_hold_what_was_put_in() {
        let mut memory = Memory { left: 1_000_000 };
        let mut blocks = Blocks::default();
        for number in 0..5_000 {
            blocks.push(number, &mut memory).unwrap();
        }
        blocks.extend(5_000..10_000, &mut memory).unwrap();
        assert_eq!(blocks.len(), 10_000);
        blocks[9_000] += 1;
        assert_eq!((blocks[4_095], blocks[4_096], blocks[9_000]), (4_095, 4_096, 9_001));
        assert_eq!(blocks.iter().next_back(), Some(&9_999));
        blocks.free(&mut memory);
        assert_eq!(memory.left, 1_000_000);
    }

    #[test]
    fn a_list_that_is_used_again_pays_again() {
        let mut memory = Memory { left: 10_000 };
        let mut list = Blocks::default();
        list.extend(0..100_usize, &mut memory).unwrap();
        list.make_ready();
        let mut memory = Memory { left: 1_000 };
        list.extend(0..64, &mut memory).unwrap();
        assert_eq!(memory.left, 1_000);
        list.push(64, &mut memory).unwrap();
        assert_eq!(memory.left, 1_000 - (96 - 64) * 8);
        assert!(memory.list::<u64>(usize::MAX).is_err());
    }
}
