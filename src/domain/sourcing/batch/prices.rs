//! What a piece of a cell and a shipment of a node are worth to the batch, and what no plans can undercut.
//!
//! A round plans every order by itself at the prices at hand, tells the bound they make, and moves each price by use: by a
//! step that shrinks from round to round, times how much more is wanted than there is, in shares of that. Prices are
//! whole minor units to the kernel and thousandths between the rounds, so every bound is one of whole numbers.
//!
//! Not here: plans that share what there is (`repair`).

use super::{Optimiser, Room, total};

/// Parts of a minor unit in which prices move.
const PARTS: i64 = 1_024;
/// Rounds after which a step is half of the first.
const HALF_AFTER: i64 = 6;
/// A price never exceeds so many times what an order costs.
const DEAREST: i64 = 16;

/// Prices, and the best bound found with any.
#[derive(Clone, Debug)]
pub(super) struct Prices {
    /// In parts, by cell and by node, as they move.
    stock_now: Vec<i64>,
    sends_now: Vec<i64>,
    /// Whole minor units, those of the best bound.
    stock: Vec<i64>,
    sends: Vec<i64>,
    /// The best bound, when a round was made.
    pub bound: Option<i64>,
    /// Units that orders leave when each is alone, where filling comes first.
    pub missing: u64,
    rounds: i64,
    first_step: i64,
    most: i64,
    /// Sums of the prices in parts, since that round.
    sums: (Vec<i64>, Vec<i64>),
    since: i64,
}

impl Prices {
    pub fn none(cells: usize, nodes: usize) -> Self {
        Self {
            stock_now: vec![0; cells],
            sends_now: vec![0; nodes],
            stock: vec![0; cells],
            sends: vec![0; nodes],
            bound: None,
            missing: 0,
            rounds: 0,
            first_step: PARTS,
            most: 0,
            sums: (vec![0; cells], vec![0; nodes]),
            since: 0,
        }
    }

    /// Says what an order usually costs: the first step is an eighth of that.
    pub fn start(&mut self, usual: i64) {
        self.first_step = (usual / 8).clamp(1, 1 << 30) * PARTS;
        self.most = usual.clamp(1, 1 << 30) * DEAREST * PARTS;
    }

    fn begin_at(&mut self, stock: &[i64], sends: &[i64]) {
        let parts = |prices: &[i64]| prices.iter().map(|price| price * PARTS).collect();
        (self.stock_now, self.sends_now) = (parts(stock), parts(sends));
        self.first_step /= 2;
    }

    /// So many parts of a hundred of a cell's price.
    pub fn stock(&self, cell: u32, share: i64) -> i64 {
        self.stock[cell as usize] * share / 100
    }

    /// The same of a node's.
    pub fn sends(&self, node: u32, share: i64) -> i64 {
        self.sends[node as usize] * share / 100
    }

    /// The best prices: by cell, and by node.
    pub fn best(&self) -> (&[i64], &[i64]) {
        (&self.stock, &self.sends)
    }

    /// Adds the prices at hand to the sums, which begin anew whenever as many rounds were made again.
    fn sum_up(&mut self) {
        if self.rounds >= 2 * self.since.max(1) {
            self.sums.0.fill(0);
            self.sums.1.fill(0);
            self.since = self.rounds;
        }
        self.sums.0.iter_mut().zip(&self.stock_now).for_each(|(sum, price)| *sum += price);
        self.sums.1.iter_mut().zip(&self.sends_now).for_each(|(sum, price)| *sum += price);
    }

    /// Prices on average since the sums began.
    fn usual(&self) -> (Vec<i64>, Vec<i64>) {
        let parts = (self.rounds - self.since).max(1) * PARTS;
        let mean = |sums: &[i64]| sums.iter().map(|sum| (sum + parts / 2) / parts).collect();
        (mean(&self.sums.0), mean(&self.sums.1))
    }

    /// A price after use of `used` where there are `has`.
    fn moved(&self, price: i64, used: i64, has: i64) -> i64 {
        let more = ((used - has).saturating_mul(PARTS) / has.max(1)).clamp(-PARTS, PARTS * 3 / 2);
        let step = self.first_step * HALF_AFTER / (HALF_AFTER + self.rounds);
        (price + step * more / PARTS).clamp(0, self.most)
    }
}

impl Optimiser<'_> {
    /// Moves prices for so many rounds, and keeps the best bound.
    pub fn price(&mut self, rounds: u32) {
        for _ in 0..rounds {
            if !self.price_once() {
                return;
            }
        }
    }

    /// Begins with prices that were found for a batch like this one: by cell, and by node. They move half as far at first.
    pub fn begin_at(&mut self, stock: &[i64], sends: &[i64]) {
        self.prices.begin_at(stock, sends);
    }

    /// Prices as they were on the way, on average over the later half of the rounds: steadier than those of the best bound.
    pub fn usual_prices(&self) -> (Vec<i64>, Vec<i64>) {
        self.prices.usual()
    }

    /// The best prices found: of a piece of every cell, and of a shipment of every node.
    pub fn prices(&self) -> (&[i64], &[i64]) {
        self.prices.best()
    }

    /// One round; false when no further one can help.
    fn price_once(&mut self) -> bool {
        let best = self.prices.clone();
        let whole = |prices: &[i64]| prices.iter().map(|price| (price + PARTS / 2) / PARTS).collect::<Vec<i64>>();
        (self.prices.stock, self.prices.sends) = (whole(&best.stock_now), whole(&best.sends_now));
        let (mut used, mut sent) = (vec![0_i64; best.stock.len()], vec![0_i64; best.sends.len()]);
        let (mut bound, mut choices) = (0_i64, Vec::with_capacity(self.choices.len()));
        for at in 0..self.batch.members.len() {
            let choice = self.ask(at, 100, Room::Alone, None);
            bound += self.plan.lower_bound;
            self.pieces(at, &choice).for_each(|(cell, units)| used[cell] += units);
            for own in &choice.sent {
                sent[self.batch.members[at].nodes[own.candidate as usize] as usize] += i64::from(own.parcels);
            }
            choices.push(choice);
        }
        let (stock, sends) = (&self.batch.stock, &self.batch.sends);
        let taken_in = self.prices.stock.iter().zip(stock).map(|(price, has)| price * i64::from(*has)).sum::<i64>()
            + self.prices.sends.iter().zip(sends).map(|(price, has)| price * has.map_or(0, i64::from)).sum::<i64>();
        bound -= taken_in;
        let fits = used.iter().zip(stock).all(|(used, has)| *used <= i64::from(*has))
            && sent.iter().zip(sends).all(|(sent, has)| has.is_none_or(|has| *sent <= i64::from(has)));
        let missing = total(&choices).0;
        for (cell, has) in stock.iter().enumerate() {
            self.prices.stock_now[cell] = best.moved(best.stock_now[cell], used[cell], i64::from(*has));
        }
        for (node, has) in sends.iter().enumerate() {
            let moved = has.map(|has| best.moved(best.sends_now[node], sent[node], i64::from(has)));
            self.prices.sends_now[node] = moved.unwrap_or(0);
        }
        self.prices.sum_up();
        self.prices.rounds += 1;
        self.prices.missing = missing;
        if best.bound.is_none_or(|known| bound > known) {
            self.prices.bound = Some(bound);
        } else {
            (self.prices.stock, self.prices.sends) = (best.stock, best.sends);
        }
        if fits && total(&choices) < self.least {
            self.replace(choices);
        }
        !self.is_proven()
    }
}
