//! Bytes read in the order in which they were written. What ends too early, or has something left over, is an error.

use super::Undecodable;
use crate::journal::frame::array;

/// Bytes that are consumed from the front.
pub(super) struct Input<'a> {
    pub what: &'static str,
    pub rest: &'a [u8],
}

impl<'a> Input<'a> {
    pub fn take(&mut self, length: usize) -> Result<&'a [u8], Undecodable> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or_else(|| self.bad("it ends too early"))?;
        self.rest = rest;
        Ok(taken)
    }

    pub fn u16(&mut self) -> Result<u16, Undecodable> {
        self.take(2).map(|bytes| u16::from_le_bytes(array(bytes, 0)))
    }

    pub fn u32(&mut self) -> Result<u32, Undecodable> {
        self.take(4).map(|bytes| u32::from_le_bytes(array(bytes, 0)))
    }

    pub fn u8(&mut self) -> Result<u8, Undecodable> {
        Ok(self.take(1)?[0])
    }

    pub fn short(&mut self) -> Result<&'a [u8], Undecodable> {
        let length = usize::from(self.u16()?);
        self.take(length)
    }

    pub fn sized(&mut self) -> Result<&'a [u8], Undecodable> {
        let length = self.u32()? as usize;
        self.take(length)
    }

    pub fn end(&self) -> Result<(), Undecodable> {
        if self.rest.is_empty() { Ok(()) } else { Err(self.bad("bytes are left over")) }
    }

    fn bad(&self, why: &str) -> Undecodable {
        Undecodable::Shape { what: self.what, why: why.to_owned() }
    }
}
