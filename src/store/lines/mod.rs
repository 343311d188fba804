//! Files of lines as others read them while they are written: backwards from the end, and forwards as they grow. Not what
//! a line means, nor who writes it.

mod follower;
mod reader;

pub(crate) use self::{follower::Follower, reader::NewestFirst};

/// What a line means; `None` passes it over.
pub(crate) type Parse<T> = fn(&[u8]) -> Option<T>;

/// The line as it stands, white space at its end aside; nothing for one that is empty.
pub(crate) fn text(line: &[u8]) -> Option<String> {
    let line = String::from_utf8_lossy(line);
    Some(line.trim_end().to_owned()).filter(|line| !line.is_empty())
}
