//! One buffer for each thread, to read into: what has been read is passed on or copied before anything else is read. So no
//! connection holds a buffer while it waits.

use std::cell::RefCell;

/// Most that is read at once.
const SIZE: usize = 64 * 1024;

thread_local! {
    static SCRATCH: RefCell<Box<[u8]>> = RefCell::new(vec![0; SIZE].into_boxed_slice());
}

/// Lends the thread's buffer. Whoever asks while it is lent gets one of his own.
pub(super) fn with_scratch<T>(work: impl FnOnce(&mut [u8]) -> T) -> T {
    SCRATCH.with(|scratch| match scratch.try_borrow_mut() {
        Ok(mut buffer) => work(&mut buffer),
        Err(_) => work(&mut vec![0; SIZE]),
    })
}
