//! How even the round robin was. The formula is the old tool's; the keys counted are those that could have served.

use super::{key::Label, snapshot::Confidence};

/// `max(0, 100 − 100 · max |count − expected| / expected)`, to two decimals; 100 when nothing was served.
pub(crate) fn measure(counts: &[(Label, u64)]) -> Confidence {
    let records: u64 = counts.iter().map(|(_, count)| count).sum();
    let expected = records as f64 / counts.len().max(1) as f64;
    let worst = counts.iter().map(|(_, count)| (*count as f64 - expected).abs()).fold(0.0, f64::max);
    let percent = if records == 0 { 100.0 } else { (100.0 - 100.0 * worst / expected).max(0.0) };
    Confidence { percent: (percent * 100.0).round() / 100.0, records, counts: counts.to_vec() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_measures_as_the_old_tool_did_and_counts_idle_keys() {
        for (counts, expected) in [
            (&[3, 1][..], 50.0),
            (&[17, 17, 16], 96.0),
            (&[5, 5, 4], 85.71),
            (&[10, 1, 1], 0.0),
            (&[7], 100.0),
            (&[10, 0, 0], 0.0),
            (&[0, 0], 100.0),
            (&[], 100.0),
        ] {
            let counts: Vec<_> = counts.iter().map(|count| (Label::new("k"), *count)).collect();
            assert!((measure(&counts).percent - expected).abs() < 1e-9, "{counts:?}");
        }
    }
}
