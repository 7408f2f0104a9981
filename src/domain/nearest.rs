//! How far the nearest reach: of many distances the one that so many do not exceed.
//!
//! It is found by counting how many are below a guess, several at a time as processors compare them, instead of by moving
//! them about. The first guess is of a sample, each further one of what the guesses around it counted.
//!
//! Promises: exact, whatever the distances are. Cost: some five looks at each; where distances are so unlike that this does
//! not narrow it down, sorting what is left.

/// Distances of the sample.
const SAMPLE: usize = 32;
/// Counts after which no further one is tried.
const COUNTS_MAX: usize = 12;
/// Distances that are told apart by sorting them.
const FEW: usize = 64;
/// How many distances a guess lies aside, so that the next may come from the other side.
const ASIDE: i64 = 8;
/// Distances that are looked at together.
const BLOCK: usize = 16;

/// How far so many of them reach.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Reach {
    pub metres: u32,
    /// How many are nearer.
    pub below: usize,
    /// How many are not farther.
    pub not_beyond: usize,
}

/// The distance which so many of these ([`ordered`]), at least one and at most all, do not exceed, while fewer are below it.
pub(super) fn reach(metres: &[i32], most: usize) -> Reach {
    Span::of(metres, most).reach(metres, most)
}

/// Which of these ([`ordered`]) are just so far, the first of them first.
pub(super) fn as_far(metres: &[i32], as_far: u32) -> impl Iterator<Item = usize> {
    let sought = ordered(as_far);
    let blocks = (0..).step_by(BLOCK).zip(metres.chunks(BLOCK));
    // As below: few blocks have one.
    let some = blocks.filter(move |(_, block)| block.iter().fold(0, |any, own| any | i32::from(*own == sought)) != 0);
    some.flat_map(move |(first, block)| (first..).zip(block).filter(move |(_, own)| **own == sought).map(|(at, _)| at))
}

/// A distance as it is counted: in the same order among signed numbers, of which processors compare several at once.
pub(super) fn ordered(metres: u32) -> i32 {
    (metres ^ 1 << 31) as i32
}

fn distance(ordered: i32) -> u32 {
    ordered as u32 ^ 1 << 31
}

/// Fewer than wanted are below `from`, and at least as many below `to`.
#[derive(Clone, Copy, Debug)]
struct Span {
    from: i64,
    to: i64,
    below_from: usize,
    below_to: usize,
}

impl Span {
    /// A short one, in which the distance sought lies.
    fn of(metres: &[i32], most: usize) -> Self {
        let (from, to) = (i64::from(i32::MIN), i64::from(i32::MAX) + 1);
        let mut span = Self { from, to, below_from: 0, below_to: metres.len() };
        if metres.len() <= FEW {
            return span;
        }
        let mut sample: [i32; SAMPLE] = std::array::from_fn(|at| metres[at * metres.len() / SAMPLE]);
        sample.sort_unstable();
        let at = most * SAMPLE / metres.len();
        for guess in [sample.get(at.wrapping_sub(3)), sample.get(at + 3)].into_iter().flatten() {
            span.narrow(metres, i64::from(*guess), most);
        }
        for count in 0..COUNTS_MAX {
            if span.count() <= FEW || span.to - span.from <= 1 {
                break;
            }
            span.narrow(metres, span.guess(most, if count % 2 == 0 { ASIDE } else { -ASIDE }), most);
        }
        span
    }

    fn count(&self) -> usize {
        self.below_to - self.below_from
    }

    /// Where it would lie were all equally far apart, and so many distances aside.
    fn guess(&self, most: usize, aside: i64) -> i64 {
        let (width, count) = (self.to - self.from, self.count() as i64);
        let before = (most - self.below_from) as i64 + aside;
        (self.from + width * before / count).clamp(self.from + 1, self.to - 1)
    }

    fn narrow(&mut self, metres: &[i32], guess: i64, most: usize) {
        if guess <= self.from || guess >= self.to {
            return;
        }
        let below = below(metres, guess as i32);
        if below < most {
            (self.from, self.below_from) = (guess, below);
        } else {
            (self.to, self.below_to) = (guess, below);
        }
    }

    /// The distance sought, and how many are below it.
    fn reach(&self, metres: &[i32], most: usize) -> Reach {
        let (first, last) = (self.from as i32, (self.to - 1) as i32);
        let is_within = |metres: i32| (first <= metres) & (metres <= last);
        let mut within = Vec::with_capacity(self.count());
        for block in metres.chunks(BLOCK) {
            // Processors tell of a block at once that there is nothing in it, as there is in few.
            if block.iter().fold(0, |any, metres| any | i32::from(is_within(*metres))) != 0 {
                within.extend(block.iter().copied().filter(|metres| is_within(*metres)));
            }
        }
        within.sort_unstable();
        let reach = within[most - self.below_from - 1];
        let count = |is_counted: fn(i32, i32) -> bool| within.iter().filter(|own| is_counted(**own, reach)).count();
        let [below, not_beyond] = [count(|own, reach| own < reach), count(|own, reach| own <= reach)];
        Reach { metres: distance(reach), below: self.below_from + below, not_beyond: self.below_from + not_beyond }
    }
}

/// How many are below so much.
fn below(metres: &[i32], most: i32) -> usize {
    // No more than a problem has candidates, so it cannot wrap.
    metres.iter().fold(0_u32, |count, metres| count.wrapping_add(u32::from(*metres < most))) as usize
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
    fn so_many_reach_as_far_as_sorting_tells() {
        for (kind, count) in (0..6).flat_map(|kind| [1, 2, 63, 64, 65, 700, 2_000].map(|count| (kind, count))) {
            let mut metres = drawn(kind, count);
            let asked: Vec<i32> = metres.iter().map(|metres| ordered(*metres)).collect();
            metres.sort_unstable();
            for most in [1, 2, 32, 64, 350, 699, 700, 1_999, 2_000].into_iter().filter(|most| *most <= metres.len()) {
                let farthest = metres[most - 1];
                let below = metres.partition_point(|metres| *metres < farthest);
                let not_beyond = metres.partition_point(|metres| *metres <= farthest);
                let expected = Reach { metres: farthest, below, not_beyond };
                assert_eq!(reach(&asked, most), expected, "kind {kind}, {most} of {count}");
            }
        }
    }
}
