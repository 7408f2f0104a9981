//! Mutated input for decoders. Test builds only.
//!
//! A decoder is given what its corpus holds (`tests/corpus/<decoder>/`, committed) and mutations of it: flipped bits,
//! extreme numbers, cut, grown, doubled and crossed inputs. Nothing may panic, hang, or ask for memory that the input does
//! not pay for; what the decoder says is its own business. Where a checksum would stop every mutation at the door, `mend`
//! makes it right again seven times in eight.
//!
//! `ORDAIN_FUZZ` sets how many inputs per decoder (default 30,000), `ORDAIN_SEED` where they begin. A failing input is
//! printed in hexadecimal; put it into the corpus when the decoder is mended.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::{Duration, Instant};

/// Longest time for one input. Decoders take microseconds; a machine under load may stop for a while.
const TIME_MAX: Duration = Duration::from_secs(10);

/// Longest mutated input, in bytes.
const BYTES_MAX: usize = 256 * 1024;

/// Words that mean something to a text decoder.
const WORDS: &[&str] = &[
    "null",
    "true",
    "-0",
    "1e400",
    "-1",
    "9223372036854775808",
    "\"",
    "\\u0000",
    "\\ud800",
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    "\n",
    "\r\n",
    "\u{feff}",
    "\u{202e}",
    "[[[[[[[[[[[[[[[[",
    "{\"a\":{\"a\":{\"a\":",
    "0.1",
    "1.0",
    "\"sku\":",
    "=",
];

struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ z >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ z >> 31
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit.max(1) as u64) as usize
    }
}

/// Gives a decoder everything in its corpus and mutations of it.
pub(crate) fn fuzz(decoder: &str, mend: impl Fn(&mut Vec<u8>), decode: impl Fn(&[u8])) {
    let number = |name: &str, default: u64| std::env::var(name).map_or(default, |n| n.parse().expect("a number"));
    let (count, first) = (number("ORDAIN_FUZZ", 30_000), number("ORDAIN_SEED", 1));
    let corpus = corpus(decoder);
    for input in &corpus {
        try_one(decoder, "the corpus", input, &decode);
    }
    for seed in first..first + count {
        let mut dice = Dice(seed);
        let mut input = corpus[dice.below(corpus.len())].clone();
        for _ in 0..1 + dice.below(4) {
            mutate(&mut input, &corpus, &mut dice);
        }
        input.truncate(BYTES_MAX);
        if dice.below(8) != 0 {
            mend(&mut input);
        }
        try_one(decoder, &format!("seed {seed}"), &input, &decode);
    }
}

fn corpus(decoder: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus").join(decoder);
    let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("the corpus of {decoder}: {error}"));
    let mut files: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    files.sort();
    assert!(!files.is_empty(), "the corpus of {decoder} is empty");
    files.iter().map(|file| fs::read(file).expect("a file can be read")).collect()
}

fn try_one(decoder: &str, origin: &str, input: &[u8], decode: &impl Fn(&[u8])) {
    let started = Instant::now();
    let ended = catch_unwind(AssertUnwindSafe(|| decode(input)));
    let took = started.elapsed();
    let hex = || input.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    assert!(ended.is_ok(), "{decoder} panicked at {origin}: {}", hex());
    assert!(took < TIME_MAX, "{decoder} took {took:?} at {origin}: {}", hex());
}

fn mutate(input: &mut Vec<u8>, corpus: &[Vec<u8>], dice: &mut Dice) {
    let at = dice.below(input.len());
    match dice.below(10) {
        0 | 1 if !input.is_empty() => input[at] ^= 1 << dice.below(8),
        2 if !input.is_empty() => input[at] = dice.next() as u8,
        3 => {
            // A number of some width at its edge.
            let edge = [0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0xffff, 0x7fff_ffff, 0xffff_ffff, u64::MAX >> 1, u64::MAX];
            let bytes = edge[dice.below(edge.len())].to_le_bytes();
            let width = [1, 2, 4, 8][dice.below(4)];
            for (offset, byte) in bytes.iter().take(width).enumerate() {
                if let Some(place) = input.get_mut(at + offset) {
                    *place = *byte;
                }
            }
        }
        4 => input.truncate(at),
        5 => drop(input.drain(at..(at + 1 + dice.below(16)).min(input.len()))),
        6 => {
            let piece: Vec<u8> = input[at..(at + 1 + dice.below(64)).min(input.len())].to_vec();
            input.splice(at..at, piece);
        }
        7 => {
            let other = &corpus[dice.below(corpus.len())];
            let from = dice.below(other.len());
            input.truncate(at);
            input.extend_from_slice(&other[from..]);
        }
        8 => drop(input.splice(at..at, WORDS[dice.below(WORDS.len())].bytes()).count()),
        _ => {
            let zeros = vec![dice.next() as u8; dice.below(40)];
            input.splice(at..at, zeros);
        }
    }
}
