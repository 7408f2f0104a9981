//! What the solver reads: nodes, items, rule sets, channels, cartons and shipping, stamped with the sequence of the last
//! change.

use std::collections::{BTreeMap, HashMap};

use foldhash::fast::RandomState;

use super::address::KnownFormat;
use super::carrier::{Shipping, ShippingTerms};
use super::carton::Carton;
use super::channel::{ChannelTerms, Whose};
use super::directory::Directory;
use super::geo::Place;
use super::ids::{ChannelIndex, NodeIndex, SkuIndex, Text};
use super::item::{Item, ItemKind};
use super::money::Currency;
use super::node::{Node, NodeKind};
use super::opportunity::Opportunity;
use super::order::{OrderType, PlacedLine};
use super::policy::{Policies, Policy, PolicyKey};
use super::rules::book::RuleBook;
use super::time::WallTime;

/// All catalogue entities. Changed only by [`Catalogue::put_node`] and its like, under an exclusive guard.
#[derive(Clone, Debug)]
pub struct Catalogue {
    /// Sequence of the record that changed it last.
    pub seq: u64,
    /// Currency of costs and item values.
    pub base_currency: Currency,
    nodes: Vec<Node>,
    /// Where the nodes are, by index.
    places: Vec<Place>,
    /// Whether a node may supply what has stock: a byte each, read for every cell that is looked at.
    supplies: Vec<bool>,
    /// Whether all that hold stock do.
    all_supply: bool,
    #[expect(clippy::vec_box, reason = "an item comes boxed from the state and stays where it is")]
    items: Vec<Box<Item>>,
    /// Kinds of items by index: items themselves lie anywhere, and a million of them in no cache.
    kinds: Vec<ItemKind>,
    /// Items with a release date, past ones too: few, and never looked at where an order finds its units.
    releases: BTreeMap<SkuIndex, WallTime>,
    rules: RuleBook,
    cartons: BTreeMap<Text, Carton>,
    channels: Vec<ChannelTerms>,
    channel_by_id: HashMap<Text, ChannelIndex>,
    segment_by_customer: HashMap<Text, ChannelIndex>,
    address_formats: BTreeMap<Text, KnownFormat>,
    policies: Policies,
    opportunity: Box<Opportunity>,
    /// Sequence after the last prices of it, and the [`Catalogue::plans_seq`] before them.
    priced: Option<(u64, u64)>,
    node_by_id: HashMap<Text, NodeIndex, RandomState>,
    item_by_sku: Directory,
    /// Carriers, calendars and zones; apart, since no order reads them as long as there is no carrier.
    shipping: Box<Shipping>,
}

impl Catalogue {
    /// Nothing known yet.
    pub fn new(base_currency: Currency) -> Self {
        Self {
            seq: 0,
            base_currency,
            nodes: Vec::new(),
            places: Vec::new(),
            supplies: Vec::new(),
            all_supply: true,
            items: Vec::new(),
            kinds: Vec::new(),
            releases: BTreeMap::new(),
            rules: RuleBook::default(),
            cartons: BTreeMap::new(),
            channels: Vec::new(),
            channel_by_id: HashMap::new(),
            segment_by_customer: HashMap::new(),
            address_formats: BTreeMap::new(),
            policies: Policies::default(),
            opportunity: Box::default(),
            priced: None,
            node_by_id: HashMap::default(),
            item_by_sku: Directory::default(),
            shipping: Box::default(),
        }
    }

    /// Adds a node at the next index, or replaces the one that is there.
    pub fn put_node(&mut self, index: NodeIndex, node: Node) {
        assert!(index.at() <= self.nodes.len(), "node indices are dense: {index:?} of {}", self.nodes.len());
        self.node_by_id.insert(node.id.clone(), index);
        let place = Place::from(node.position);
        let supplies = node.active && node.kind != NodeKind::Virtual;
        if index.at() == self.nodes.len() {
            self.nodes.push(node);
            self.places.push(place);
            self.supplies.push(supplies);
        } else {
            self.nodes[index.at()] = node;
            self.places[index.at()] = place;
            self.supplies[index.at()] = supplies;
        }
        self.all_supply = self.nodes.iter().all(|node| node.active || node.kind == NodeKind::Virtual);
    }

    /// Adds an item at the next index, or replaces the one that is there.
    pub fn put_item(&mut self, index: SkuIndex, item: impl Into<Box<Item>>) {
        let item = item.into();
        assert!(index.at() <= self.items.len(), "sku indices are dense: {index:?} of {}", self.items.len());
        match item.release_at {
            Some(at) => drop(self.releases.insert(index, at)),
            None => drop(self.releases.remove(&index)),
        }
        if index.at() < self.items.len() {
            assert_eq!(self.items[index.at()].sku, item.sku, "an item keeps its sku");
            self.kinds[index.at()] = item.kind;
            self.items[index.at()] = item;
            return;
        }
        self.item_by_sku.add(&item.sku, index);
        self.kinds.push(item.kind);
        self.items.push(item);
    }

    /// How orders are sourced, to be changed.
    pub fn rules_mut(&mut self) -> &mut RuleBook {
        &mut self.rules
    }

    /// Puts a carrier, a calendar or a chart of zones.
    pub fn put_shipping(&mut self, terms: ShippingTerms) {
        self.shipping.put(terms);
    }

    /// Carriers, calendars and zones.
    pub fn shipping(&self) -> &Shipping {
        &self.shipping
    }

    /// Puts a carton.
    pub fn put_carton(&mut self, carton: Carton) {
        self.cartons.insert(carton.id.clone(), carton);
    }

    /// Adds a channel at the next index, or replaces the one that is there.
    pub fn put_channel(&mut self, index: ChannelIndex, terms: ChannelTerms) {
        assert!(index.at() <= self.channels.len(), "channel indices are dense: {index:?} of {}", self.channels.len());
        self.channel_by_id.insert(terms.id.clone(), index);
        self.segment_by_customer.retain(|_, segment| *segment != index);
        self.segment_by_customer.extend(terms.customers.iter().map(|customer| (customer.clone(), index)));
        if index.at() == self.channels.len() {
            self.channels.push(terms);
        } else {
            self.channels[index.at()] = terms;
        }
    }

    /// Puts how addresses of a country are written.
    pub fn put_address_format(&mut self, format: KnownFormat) {
        self.address_formats.insert(format.format().country.clone(), format);
    }

    /// How addresses of a country are written, where somebody said so.
    #[inline]
    pub fn address_format(&self, country: &str) -> Option<&KnownFormat> {
        if self.address_formats.is_empty() { None } else { self.address_formats.get(country) }
    }

    /// All of them, by country.
    pub fn address_formats(&self) -> impl Iterator<Item = &KnownFormat> {
        self.address_formats.values()
    }

    /// All channels by index.
    pub fn channels(&self) -> &[ChannelTerms] {
        &self.channels
    }

    /// What was put of the channel that orders name by this word.
    pub fn channel(&self, id: &str) -> Option<&ChannelTerms> {
        if self.channels.is_empty() { None } else { self.channel_index(id).map(|index| &self.channels[index.at()]) }
    }

    /// Index of a channel.
    pub fn channel_index(&self, id: &str) -> Option<ChannelIndex> {
        self.channel_by_id.get(id).copied()
    }

    /// The segment of a customer.
    pub fn segment_of(&self, customer: &str) -> Option<ChannelIndex> {
        self.segment_by_customer.get(customer).copied()
    }

    /// For whom somebody buys. Where no channel was put, nothing is looked up.
    #[inline]
    pub fn whose(&self, channel: Option<&str>, customer: Option<&str>) -> Whose {
        if self.channels.is_empty() {
            return Whose::STRANGER;
        }
        let segment = customer.and_then(|customer| self.segment_of(customer));
        Whose::Buyer { segment, channel: channel.and_then(|channel| self.channel_index(channel)) }
    }

    /// Whether a buyer's channel or segment names the nodes that serve it.
    #[inline]
    pub fn is_narrowed(&self, whose: Whose) -> bool {
        !self.channels.is_empty() && whose.channels().any(|index| self.channels[index.at()].nodes.is_some())
    }

    /// Whether a node serves a buyer.
    pub fn serves(&self, whose: Whose, node: NodeIndex) -> bool {
        whose.channels().all(|index| self.channels[index.at()].serves(node))
    }

    /// Puts a policy.
    pub fn put_policy(&mut self, key: PolicyKey, policy: Policy) {
        self.policies.put(key, policy);
    }

    /// What was decided.
    pub fn policies(&self) -> &Policies {
        &self.policies
    }

    /// Puts what stock and shipments are worth to orders to come.
    pub fn put_opportunity(&mut self, opportunity: Opportunity) {
        *self.opportunity = opportunity;
    }

    /// The same with the record that tells it: plans that were made before it still hold.
    pub fn price_opportunity(&mut self, opportunity: Opportunity, seq: u64) {
        self.priced = Some((seq, self.plans_seq()));
        self.seq = seq;
        self.put_opportunity(opportunity);
    }

    /// Sequence of the last change but prices of opportunity, which are found anew by the hour: while it stays, a plan of open
    /// orders may be carried out, at the prices it was made by. Not known over a start, after which it is that of all changes.
    pub fn plans_seq(&self) -> u64 {
        self.priced.filter(|(seq, _)| *seq == self.seq).map_or(self.seq, |(_, before)| before)
    }

    /// What stock and shipments are worth to orders to come; nothing as long as nobody looked.
    pub fn opportunity(&self) -> &Opportunity {
        &self.opportunity
    }

    /// The node at an index that the catalogue gave.
    pub fn node(&self, index: NodeIndex) -> &Node {
        &self.nodes[index.at()]
    }

    /// Whether a node may supply what has stock.
    #[inline]
    pub fn supplies(&self, index: NodeIndex) -> bool {
        self.supplies[index.at()]
    }

    /// The item at an index that the catalogue gave.
    pub fn item(&self, index: SkuIndex) -> &Item {
        &self.items[index.at()]
    }

    /// Whether all nodes that hold stock supply it.
    #[inline]
    pub fn all_supply(&self) -> bool {
        self.all_supply
    }

    /// Where a node is.
    pub fn place(&self, index: NodeIndex) -> &Place {
        &self.places[index.at()]
    }

    /// The kind of an item, without a look at the rest of it.
    #[inline]
    pub fn kind(&self, index: SkuIndex) -> ItemKind {
        self.kinds[index.at()]
    }

    /// All nodes by index.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// All items by index.
    pub fn items(&self) -> &[Box<Item>] {
        &self.items
    }

    /// How orders are sourced.
    #[inline]
    pub fn rules(&self) -> &RuleBook {
        &self.rules
    }

    /// All cartons by id.
    pub fn cartons(&self) -> impl Iterator<Item = &Carton> {
        self.cartons.values()
    }

    /// A carton.
    pub fn carton(&self, id: &str) -> Option<&Carton> {
        self.cartons.get(id)
    }

    /// Index of a node.
    pub fn node_index(&self, id: &str) -> Option<NodeIndex> {
        self.node_by_id.get(id).copied()
    }

    /// Index of an item.
    pub fn sku_index(&self, sku: &str) -> Option<SkuIndex> {
        self.item_by_sku.find(sku, |index| &self.items[index.at()].sku)
    }

    /// Items with a release date, past ones too.
    pub fn releases(&self) -> impl Iterator<Item = (SkuIndex, WallTime)> + '_ {
        self.releases.iter().map(|(sku, at)| (*sku, *at))
    }

    /// When a line may leave: the latest release of its item and of its components; `None` when none has a date.
    pub fn release_of(&self, line: &PlacedLine) -> Option<WallTime> {
        if self.releases.is_empty() {
            return None;
        }
        let skus = line.components.iter().map(|component| component.sku).chain([line.sku]);
        skus.filter_map(|sku| self.releases.get(&sku).copied()).max()
    }

    /// Whether what waits of a line waits for a release. An item without a release date has always been there, unless
    /// an order of type `pre_order` says that it has not.
    pub fn is_preorder(&self, kind: OrderType, line: &PlacedLine, now: WallTime) -> bool {
        self.release_of(line).map_or(kind == OrderType::PreOrder, |at| at > now)
    }

    /// The first active virtual node: the one that supplies what has no stock.
    pub fn virtual_node(&self) -> Option<NodeIndex> {
        let at = self.nodes.iter().position(|node| node.kind == NodeKind::Virtual && node.active)?;
        u32::try_from(at).ok().map(NodeIndex)
    }
}
