//! The nearest of many: so many at most, and hardly fewer.
//!
//! A distance is sought below which that many are, by counting how many are below a guess, several at a time as processors
//! compare them, instead of by moving them about. The first guesses are of a sample, each further one of what the guesses
//! around it counted.
//!
//! Promises: none that is left out is nearer than one that is kept, of equally far ones the first are kept, and of eight that
//! are wanted at least seven. Cost: some four looks at each; where distances are so alike or unlike that few guesses do not
//! tell, parting them by place.

/// Distances of the sample.
const SAMPLE: usize = 32;
/// How many of the sample the next guess lies beyond the one before, until the distance sought is between two.
const STEP: usize = 3;
/// Guesses after which no further one is tried.
const GUESSES_MAX: usize = 8;
/// One in so many may be left out of those that are wanted.
const SPARED: usize = 8;

/// A distance that is nearer than any other.
pub(super) const HERE: i32 = -1;

/// A distance as it is counted, in steps of two metres: as a signed number, of which processors compare several at once.
pub(super) fn ordered(metres: u32) -> i32 {
    (metres >> 1).cast_signed()
}

/// Positions, ascending, of the nearest of these ([`ordered`] or [`HERE`]); `most` is at least one, and fewer than they are.
pub(super) fn nearest(metres: &[i32], most: usize) -> Vec<u32> {
    match reach(metres, most) {
        Some(reach) => within(metres, reach),
        None => first(metres, most),
    }
}

/// A distance, and how many are below it.
#[derive(Clone, Copy)]
struct Reach {
    end: i64,
    below: usize,
}

/// One below which there are hardly fewer than so many.
fn reach(metres: &[i32], most: usize) -> Option<Reach> {
    let (least, sought) = (most - most / SPARED, most - most / SPARED / 2);
    let mut sample: [i32; SAMPLE] = std::array::from_fn(|at| metres[at * metres.len() / SAMPLE]);
    sample.sort_unstable();
    let mut at = sought * SAMPLE / metres.len();
    let mut near = Reach { end: HERE.into(), below: 0 };
    let mut far = Reach { end: i64::from(i32::MAX) + 1, below: metres.len() };
    for _ in 0..GUESSES_MAX {
        let is_between = near.below > 0 && far.below < metres.len();
        let end = if is_between { near.between(far, sought) } else { i64::from(sample[at]) }.max(near.end + 1);
        if end >= far.end {
            return None;
        }
        let guess = Reach { end, below: below(metres, end as i32) };
        match guess.below {
            below if below > most => (far, at) = (guess, at.saturating_sub(STEP)),
            below if below < least => (near, at) = (guess, (at + STEP).min(SAMPLE - 1)),
            _ => return Some(guess),
        }
    }
    None
}

impl Reach {
    /// Where so many would be below, were all between the two equally far apart.
    fn between(self, far: Self, sought: usize) -> i64 {
        self.end + (far.end - self.end) * (sought - self.below) as i64 / (far.below - self.below) as i64
    }
}

/// How many are below so much.
fn below(metres: &[i32], end: i32) -> usize {
    // No more than a problem has candidates, so it cannot wrap.
    metres.iter().fold(0_u32, |count, metres| count.wrapping_add(u32::from(*metres < end))) as usize
}

fn within(metres: &[i32], Reach { end, below }: Reach) -> Vec<u32> {
    // One more than are kept, as a position is written before it is known whether it is.
    let mut kept = vec![0; below + 1];
    let mut next = 0_usize;
    for (at, own) in (0..).zip(metres) {
        kept[next] = at;
        next = next.wrapping_add(usize::from(*own < end as i32));
    }
    kept.truncate(below);
    kept
}

/// Exactly so many, whatever the distances are.
fn first(metres: &[i32], most: usize) -> Vec<u32> {
    let place = |(at, own): (u64, &i32)| ((i64::from(*own) - i64::from(HERE)) as u64) << 32 | at;
    let mut places: Vec<u64> = (0..).zip(metres).map(place).collect();
    places.select_nth_unstable(most);
    let mut kept: Vec<u32> = places[..most].iter().map(|place| *place as u32).collect();
    kept.sort_unstable();
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Distances of one kind: few and many, alike and unlike, in no order.
    fn drawn(kind: u32, count: u32) -> Vec<u32> {
        let dice = |n: u32| (n ^ 0x5bd1).wrapping_mul(0x9E37_79B1).rotate_left(15).wrapping_mul(0x85EB_CA77);
        let one = |n: u32| match kind {
            0 => dice(n),
            1 => 7,
            2 => dice(n) % 5 * 1_000_000_000,
            3 => 1 << (dice(n) % 32),
            4 if n.is_multiple_of(9) => u32::MAX,
            _ => dice(n) % 3_000_000,
        };
        (0..count).map(one).collect()
    }

    #[test]
    fn those_kept_are_the_nearest_and_nearly_as_many_as_wanted() {
        for (kind, count) in (0..6).flat_map(|kind| [2, 3, 63, 64, 65, 700, 2_000].map(|count| (kind, count))) {
            let metres: Vec<i32> = drawn(kind, count).into_iter().map(ordered).collect();
            for most in [1, 2, 32, 64, 350, 699, 1_999].into_iter().filter(|most| *most < metres.len()) {
                let kept = nearest(&metres, most);
                let place = |at: &u32| (metres[*at as usize], *at);
                let farthest = kept.iter().map(place).max().expect("at least one is wanted");
                let left_out = (0..count).filter(|at| !kept.contains(at));
                let next = left_out.map(|at| place(&at)).min().expect("fewer than all are wanted");
                assert!(farthest < next, "kind {kind}, {most} of {count}: {farthest:?} is kept, {next:?} is not");
                assert!(
                    kept.is_sorted() && (most - most / 8..=most).contains(&kept.len()),
                    "kind {kind}, {most}: {kept:?}"
                );
            }
        }
    }

    #[test]
    fn who_is_here_is_kept_before_those_at_no_distance() {
        let mut metres = vec![ordered(0); 100];
        [7, 99].iter().for_each(|at| metres[*at] = HERE);
        assert_eq!(nearest(&metres, 3), [0, 7, 99]);
    }
}
