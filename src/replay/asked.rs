//! What a request supposes.

use std::sync::Arc;

use super::target::{Aim, Measure, Target};
use crate::api::replay::{ReplayRequest, TargetShape};
use crate::api::words::{MeasureWord, ScenarioWord};
use crate::domain::command::Command;
use crate::domain::ids::Text;
use crate::engine::whatif::{MoreStock, SceneKind, Suppose, SupposedRules};

/// The name of rules that come without one.
const UNNAMED: &str = "what-if";

/// What is supposed.
pub fn supposed(asked: &ReplayRequest) -> Suppose {
    let named = asked
        .rule_set
        .as_ref()
        .map(|name| SupposedRules::Known { name: name.0.clone(), version: asked.version.map(|version| version.0) });
    let given = asked.rules.clone().map(|rules| {
        let put = rules.command(Text::from(UNNAMED));
        SupposedRules::Terms { name: put.name, terms: Arc::clone(&put.terms) }
    });
    let shipping = asked.carriers.iter().flatten().filter_map(|line| match line.command() {
        Command::PutShipping(terms) => Some(*terms),
        _ => None,
    });
    let stock = asked.stock.iter().flatten().map(|line| MoreStock {
        sku: line.sku.0.clone(),
        node: line.node.0.clone(),
        units: i64::from(line.delta.0),
    });
    let usual = Suppose::default();
    Suppose {
        rules: given.or(named),
        shipping: shipping.collect(),
        out: asked.out.iter().flatten().map(|node| node.0.0.clone()).collect(),
        stock_ppm: asked.stock_factor.map_or(usual.stock_ppm, |factor| u64::from(factor.millionths)),
        stock: stock.collect(),
        demand_ppm: asked.demand_factor.map(|factor| u64::from(factor.millionths)),
        from: asked.from.map(|from| from.wall()),
        until: asked.until.map(|until| until.wall()),
        scene: asked.scenario.map_or(SceneKind::AsItWas, scene_of),
    }
}

fn scene_of(word: ScenarioWord) -> SceneKind {
    match word {
        ScenarioWord::BusiestDay => SceneKind::BusiestDay,
        ScenarioWord::StockOut => SceneKind::StockOut,
        ScenarioWord::AllChannels => SceneKind::AllChannels,
    }
}

/// What rules shall reach; at no more cost where nothing else is said.
pub fn target_of(asked: &TargetShape) -> Target {
    let aim = Aim { measure: measure_of(asked.measure), percent: asked.percent.0 };
    let limits = match &asked.at_most {
        Some(limits) => {
            limits.iter().map(|limit| Aim { measure: measure_of(limit.measure), percent: limit.percent.0 }).collect()
        }
        None => vec![Aim { measure: Measure::Cost, percent: 0 }],
    };
    Target { aim, limits }
}

fn measure_of(word: MeasureWord) -> Measure {
    match word {
        MeasureWord::Time => Measure::Time,
        MeasureWord::Cost => Measure::Cost,
        MeasureWord::Shipments => Measure::Shipments,
        MeasureWord::Splits => Measure::Splits,
        MeasureWord::Distance => Measure::Distance,
        MeasureWord::Carbon => Measure::Carbon,
        MeasureWord::Unfilled => Measure::Unfilled,
    }
}
