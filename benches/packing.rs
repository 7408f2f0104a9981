//! Packing: how full, how many cartons, how long; each against something from outside.
//!
//! `cargo bench --bench packing` measures; `-- --size small` (what `cargo test --benches` runs) only keeps it alive. Seeds
//! are fixed, every packing passes the independent checker, every line ends in a hash of the answers.
//!
//! - **Parcels**: pieces drawn between 30 × 20 × 8 and 300 × 220 × 150 mm (one in ten this side up, one in twelve fragile,
//!   one in forty alone) into the cheapest of ten cartons, dimensional weight billed. Time is that of a whole answer with
//!   warm memory, the least of [`REPEATS`]; the figures are quantiles over instances.
//! - **One container**: BR1 to BR6 of the OR-Library (Bischoff and Ratcliff 1995), a hundred instances each, what share of
//!   the container is filled. First fit decreasing of others fills 73.41 % over BR1 to BR7.
//! - **Fewest bins**: classes 1 and 4 to 8 of Martello, Pisinger and Vigo (2000), turned freely, ten instances each of
//!   50, 100, 150 and 200 pieces. Beside it py3dbp, when `PY3DBP` names a Python that has it.
//! - **Real picks**: 745 orders of cases onto pallets, against the pallets they really went to.

use std::io::{Read, Write};
use std::process::{Command, Stdio};
use std::time::Instant;

use flate2::read::GzDecoder;
use ordain::domain::packing::check::check;
use ordain::domain::packing::{Carton, Edges, Handling, Packer, Packing, Piece, Tariff};

const REPEATS: usize = 5;
const DATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/data");

/// A draw of numbers, the same everywhere.
struct Draw(u64);

impl Draw {
    fn within(&mut self, least: u32, most: u32) -> u32 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        least + ((mixed ^ (mixed >> 31)) % u64::from(most - least + 1)) as u32
    }
}

/// A hash that tells answers apart.
#[derive(Default)]
struct Answers(u64);

impl Answers {
    fn add(&mut self, number: u64) {
        self.0 = (self.0 ^ number).wrapping_mul(0x0000_0100_0000_01B3).rotate_left(17);
    }

    fn packing(&mut self, packing: &Packing) {
        self.add(packing.cost as u64);
        for placement in packing.cartons.iter().flat_map(|filled| &filled.placements) {
            placement.at.iter().chain(&placement.size).for_each(|edge| self.add(u64::from(*edge)));
        }
    }
}

fn main() {
    let small = std::env::args().any(|arg| arg == "small") || !std::env::args().any(|arg| arg == "--bench");
    let mut packer = Packer::default();
    parcels(&mut packer, small);
    if std::path::Path::new(DATA).exists() {
        containers(&mut packer, small);
        picks(&mut packer, small);
    } else {
        println!("no instances from outside: they lie beside the project, in ../shared/data");
    }
    bins(&mut packer, small);
}

fn checked(packer: &mut Packer, cartons: &[Carton], tariff: &Tariff, pieces: &[Piece]) -> Packing {
    let packing = packer.pack(cartons, tariff, pieces);
    check(cartons, tariff, pieces, &packing).expect("a packing");
    packing
}

fn parcels(packer: &mut Packer, small: bool) {
    let sizes = [[150, 100, 60], [200, 150, 100], [250, 200, 120], [300, 220, 160], [350, 250, 200], [400, 300, 150]];
    let large = [[400, 300, 250], [500, 350, 300], [600, 400, 300], [600, 400, 400]];
    let costs = [40, 55, 70, 85, 105, 110, 140, 190, 230, 280];
    let carton = |(inner, cost): (&Edges, i64)| Carton {
        inner: *inner,
        outer: [inner[0] + 10, inner[1] + 10, inner[2] + 12],
        weight_g: cost as u32 * 2,
        max_weight_g: 30_000,
        cost,
    };
    let cartons: Vec<Carton> = sizes.iter().chain(&large).zip(costs).map(carton).collect();
    let tariff = Tariff { divisor: Some(5_000), per_kg: 180, fill_per_litre: 3 };
    println!(
        "{:<24} {:>9} {:>9} {:>9} {:>9} {:>8} {:>10}  result",
        "parcels", "instances", "p50 us", "p99 us", "max us", "optimal", "over bound"
    );
    for (pieces, instances) in [(1, 20_000), (3, 20_000), (6, 20_000), (10, 2_000), (20, 1_000), (50, 400), (200, 20)] {
        let mut draw = Draw(5);
        let (mut times, mut optimal, mut cost, mut bound) = (Vec::new(), 0, 0, 0);
        let mut answers = Answers::default();
        for _ in 0..if small { 5 } else { instances } {
            let all: Vec<Piece> = (0..pieces).map(|_| drawn(&mut draw)).collect();
            let packing = checked(packer, &cartons, &tariff, &all);
            let fastest = (0..REPEATS).map(|_| {
                let start = Instant::now();
                std::hint::black_box(packer.pack(&cartons, &tariff, &all));
                start.elapsed()
            });
            times.push(fastest.min().unwrap_or_default());
            (optimal, cost, bound) =
                (optimal + usize::from(packing.optimal), cost + packing.cost, bound + packing.lower_bound);
            answers.packing(&packing);
        }
        times.sort_unstable();
        let quantile = |share: f64| times[((times.len() - 1) as f64 * share) as usize].as_nanos() as f64 / 1_000.0;
        println!(
            "{:<24} {:>9} {:>9.1} {:>9.1} {:>9.1} {:>8} {:>9.2}%  {:016x}",
            format!("{pieces} pieces, 10 cartons"),
            times.len(),
            quantile(0.5),
            quantile(0.99),
            quantile(1.0),
            optimal,
            (cost - bound) as f64 * 100.0 / bound as f64,
            answers.0,
        );
    }
    println!();
}

fn drawn(draw: &mut Draw) -> Piece {
    Piece {
        edges: [draw.within(30, 300), draw.within(20, 220), draw.within(8, 150)],
        weight_g: draw.within(20, 3_000),
        handling: Handling {
            stands: if draw.within(0, 9) == 0 { Handling::THIS_SIDE_UP.stands } else { [true; 3] },
            fragile: draw.within(0, 11) == 0,
            alone: draw.within(0, 39) == 0,
        },
    }
}

fn unzipped(path: &str) -> String {
    let file = std::fs::File::open(format!("{DATA}/{path}")).expect("the data is there");
    let mut text = String::new();
    GzDecoder::new(file).read_to_string(&mut text).expect("gzipped text");
    text
}

fn only(inner: Edges) -> Carton {
    Carton { inner, outer: inner, weight_g: 0, max_weight_g: 1_000_000, cost: 0 }
}

fn containers(packer: &mut Packer, small: bool) {
    println!("{:<24} {:>9} {:>9} {:>9}  result", "one container", "instances", "fill", "ms each");
    let mut fills = Vec::new();
    for set in 1..=6 {
        let start = Instant::now();
        let (mut fill, mut answers) = (0.0, Answers::default());
        let instances = instances(&unzipped(&format!("packing_orlib/thpack{set}.txt.gz")));
        let count = if small { 2 } else { instances.len() };
        for (container, pieces) in &instances[..count] {
            let placements = packer.fill(&only(*container), pieces);
            let filled: u64 = placements.iter().map(|placement| pieces[usize::from(placement.piece)].volume()).sum();
            fill += filled as f64 * 100.0 / container.iter().map(|edge| f64::from(*edge)).product::<f64>();
            answers.add(filled);
        }
        fills.push(fill / count as f64);
        let each = start.elapsed().as_secs_f64() * 1_000.0 / count as f64;
        println!("{:<24} {count:>9} {:>8.2}% {each:>9.1}  {:016x}", format!("BR{set}"), fill / count as f64, answers.0);
    }
    println!("{:<24} {:>9} {:>8.2}%\n", "mean", "", fills.iter().sum::<f64>() / fills.len() as f64);
}

/// Containers and pieces of one file of the OR-Library.
fn instances(text: &str) -> Vec<(Edges, Vec<Piece>)> {
    let mut numbers =
        text.lines().map(|line| -> Vec<u32> { line.split_whitespace().filter_map(|word| word.parse().ok()).collect() });
    let mut next = || numbers.by_ref().find(|line| !line.is_empty()).unwrap_or_default();
    let count = next()[0];
    (0..count)
        .map(|_| {
            next();
            let [length, width, height] = next()[..] else { panic!("a container has three edges") };
            let kinds = next()[0];
            let pieces = (0..kinds).flat_map(|_| {
                let [_, length, flat, width, side, height, upright, quantity] = next()[..] else {
                    panic!("a kind of piece has eight numbers")
                };
                let handling = Handling { stands: [flat == 1, side == 1, upright == 1], ..Handling::ANY };
                vec![Piece { edges: [length, width, height], weight_g: 0, handling }; quantity as usize]
            });
            ([length, width, height], pieces.collect())
        })
        .collect()
}

fn bins(packer: &mut Packer, small: bool) {
    println!("{:<24} {:>9} {:>9} {:>9}  result", "fewest bins", "instances", "bins", "ms each");
    let (mut total, mut peers_input) = (0, String::new());
    for class in [1, 4, 5, 6, 7, 8] {
        for count in if small { vec![50] } else { vec![50, 100, 150, 200] } {
            let start = Instant::now();
            let (mut bins, mut answers) = (0, Answers::default());
            let many = if small { 1 } else { 10 };
            for number in 0..many {
                let (edge, pieces) = drawn_of_class(class, count, number);
                let packing = checked(packer, &[only([edge; 3])], &Tariff::default(), &pieces);
                bins += packing.cartons.len();
                answers.packing(&packing);
                let sizes = pieces.iter().map(|Piece { edges: [x, y, z], .. }| format!("{x}:{y}:{z}"));
                peers_input += &format!("{edge} {}\n", sizes.collect::<Vec<_>>().join(" "));
            }
            total += bins;
            let each = start.elapsed().as_secs_f64() * 1_000.0 / many as f64;
            println!(
                "{:<24} {many:>9} {bins:>9} {each:>9.1}  {:016x}",
                format!("class {class}, n = {count}"),
                answers.0
            );
        }
    }
    println!("{:<24} {:>9} {total:>9}", "all", "");
    if let Ok(python) = std::env::var("PY3DBP") {
        let peer = py3dbp(&python, &peers_input);
        let fewer = (peer as f64 - total as f64) * 100.0 / peer as f64;
        println!("{:<24} {:>9} {peer:>9}: {fewer:.2} % fewer here", "py3dbp", "");
    }
    println!();
}

/// An instance of Martello, Pisinger and Vigo: edge of the bin, pieces.
fn drawn_of_class(class: u32, count: usize, number: u64) -> (u32, Vec<Piece>) {
    let mut draw = Draw(u64::from(class) * 1_000_003 + count as u64 * 1_009 + number);
    let bin = match class {
        6 => 10,
        7 => 40,
        _ => 100,
    };
    let pieces = (0..count).map(|_| {
        let same = |draw: &mut Draw, most| [draw.within(1, most), draw.within(1, most), draw.within(1, most)];
        let edges = match class {
            6 => same(&mut draw, 10),
            7 => same(&mut draw, 35),
            8 => same(&mut draw, 100),
            own => {
                // Six in ten are of the class's own type, one in ten of each other.
                let kind = draw.within(1, 10);
                let kind = if kind <= 6 { own } else { kind - 6 + u32::from(kind - 6 >= own) };
                let (short, long, half, less) = ((1, 50), (67, 100), (50, 100), (1, 50));
                let ranges = match kind {
                    1 => [short, long, long],
                    2 => [long, short, long],
                    3 => [long, long, short],
                    4 => [half; 3],
                    _ => [less; 3],
                };
                ranges.map(|(least, most)| draw.within(least, most))
            }
        };
        Piece { edges, weight_g: 0, handling: Handling::ANY }
    });
    (bin, pieces.collect())
}

/// Bins that py3dbp needs for the same instances: bigger pieces first, bins opened as needed.
fn py3dbp(python: &str, input: &str) -> usize {
    const SCRIPT: &str = "
import sys
from py3dbp import Packer, Bin, Item
total = 0
for line in sys.stdin:
    edge, *pieces = line.split()
    packer = Packer()
    for number in range(len(pieces)):
        packer.add_bin(Bin(str(number), int(edge), int(edge), int(edge), 10**9))
    for number, piece in enumerate(pieces):
        packer.add_item(Item(str(number), *map(int, piece.split(':')), 1))
    packer.pack(bigger_first=True, distribute_items=True, number_of_decimals=0)
    assert sum(len(bin.items) for bin in packer.bins) == len(pieces)
    total += sum(1 for bin in packer.bins if bin.items)
print(total)
";
    let mut child = Command::new(python)
        .args(["-c", SCRIPT])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("PY3DBP names a Python");
    child.stdin.take().expect("a pipe").write_all(input.as_bytes()).expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    String::from_utf8_lossy(&output.stdout).trim().parse().expect("py3dbp is there and counts")
}

fn picks(packer: &mut Packer, small: bool) {
    let text = unzipped("packing_robobpp/case_picks.csv.gz");
    let mut rows = csv::Reader::from_reader(text.as_bytes());
    let mut orders: Vec<(String, Vec<Piece>)> = Vec::new();
    let mut pallets = std::collections::BTreeSet::new();
    for row in rows.records() {
        let row = row.expect("a row");
        let number = |at: usize| row[at].parse::<f64>().expect("a number");
        let cases = number(7) as usize;
        // Edges in tenths of centimetres are millimetres; what weighs most is rounded up.
        let piece = Piece {
            edges: [8, 9, 10].map(|at| (number(at) * 10.0).ceil() as u32),
            weight_g: (number(12) * 1_000.0 / cases.max(1) as f64).ceil() as u32,
            handling: Handling::ANY,
        };
        pallets.insert((row[0].to_owned(), row[1].to_owned()));
        let at = orders.iter().position(|(order, _)| *order == row[0]).unwrap_or_else(|| {
            orders.push((row[0].to_owned(), Vec::new()));
            orders.len() - 1
        });
        orders[at].1.extend(std::iter::repeat_n(piece, cases));
    }
    orders.truncate(if small { 5 } else { orders.len() });
    let pallet =
        |inner: Edges, weight_g, max_weight_g, cost| Carton { inner, outer: inner, weight_g, max_weight_g, cost };
    // A EUR pallet and half of one, loaded as high as a man packs.
    let kinds = [pallet([1_200, 800, 1_600], 25_000, 800_000, 100), pallet([800, 600, 1_600], 10_000, 400_000, 60)];
    let (mut used, mut optimal, mut filled, mut room) = (0, 0, 0u64, 0u64);
    let (mut times, mut answers) = (Vec::new(), Answers::default());
    let (mut cost, mut bound) = (0, 0);
    for (_, pieces) in &orders {
        let start = Instant::now();
        let packing = packer.pack(&kinds, &Tariff::default(), pieces);
        times.push(start.elapsed());
        check(&kinds, &Tariff::default(), pieces, &packing).expect("a packing");
        assert!(packing.left_out.is_empty(), "every case fits a pallet");
        used += packing.cartons.len();
        optimal += usize::from(packing.optimal);
        (cost, bound) = (cost + packing.cost, bound + packing.lower_bound);
        for carton in &packing.cartons {
            filled += carton.volume;
            room += kinds[usize::from(carton.carton)].inner.iter().map(|edge| u64::from(*edge)).product::<u64>();
        }
        answers.packing(&packing);
    }
    times.sort_unstable();
    let cases: usize = orders.iter().map(|(_, pieces)| pieces.len()).sum();
    let quantile = |share: f64| times[((times.len() - 1) as f64 * share) as usize].as_secs_f64() * 1_000.0;
    println!("real picks: {} orders, {cases} cases, went to {} pallets", orders.len(), pallets.len());
    println!(
        "packed onto {used} pallets and halves, {:.1} % full, {optimal} proven cheapest, {:.2} % over the bound, p50 {:.2} ms, p99 {:.1} ms  {:016x}\n",
        filled as f64 * 100.0 / room as f64,
        (cost - bound) as f64 * 100.0 / bound as f64,
        quantile(0.5),
        quantile(0.99),
        answers.0,
    );
}
