//! Wraps bytes as a gzip file without making them smaller: enough to see whether compressed answers pass through.

/// A valid gzip stream of stored blocks.
pub(super) fn wrap(bytes: &[u8]) -> Vec<u8> {
    let mut out = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    let blocks = bytes.chunks(usize::from(u16::MAX));
    let last = blocks.len().saturating_sub(1);
    for (index, block) in blocks.enumerate() {
        stored(&mut out, block, index == last);
    }
    if bytes.is_empty() {
        stored(&mut out, bytes, true);
    }
    out.extend(crc32(bytes).to_le_bytes());
    // The format wants the length modulo 2^32.
    out.extend(u32::try_from(bytes.len() & 0xffff_ffff).unwrap_or_default().to_le_bytes());
    out
}

fn stored(out: &mut Vec<u8>, block: &[u8], last: bool) {
    let length = u16::try_from(block.len()).unwrap_or(u16::MAX);
    out.push(u8::from(last));
    out.extend(length.to_le_bytes());
    out.extend((!length).to_le_bytes());
    out.extend_from_slice(block);
}

fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg());
        }
    }
    !crc
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_the_standard_one_and_the_frame_is_whole() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
        let wrapped = wrap(b"hello");
        assert_eq!(&wrapped[10..20], b"\x01\x05\x00\xfa\xffhello");
        assert_eq!(wrapped.len(), 10 + 5 + 5 + 8);
        assert_eq!(wrap(&vec![7; 70_000]).len(), 10 + 2 * 5 + 70_000 + 8);
        assert_eq!(wrap(b"").len(), 10 + 5 + 8);
    }
}
