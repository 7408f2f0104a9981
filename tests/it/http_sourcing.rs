//! Over HTTP: orders sourced by what carriers and nodes ask, and the faults of other systems that this must not have: the
//! rows of the list of cases that are about sourcing, and those of a well-known scoring formula.
//!
//! The formula: 0.4 × share of lines in full stock + 0.3 × (1 − cheapest ÷ fastest price) + 0.2 × a learned score − 0.1 ×
//! cost factor × units, the highest wins, and what it lacks is then taken line by line elsewhere.

use serde_json::{Value, json};

use crate::served::Served;

/// A shop with nodes at increasing distance from the customer, and items of 400 g.
fn served(nodes: &[&str], test: impl FnOnce(&Served)) {
    let dir = tempfile::tempdir().expect("a directory");
    let server = Served::start(dir.path());
    for (at, node) in nodes.iter().enumerate() {
        put_node(&server, node, at, json!({}));
    }
    for sku in ["mug", "cup", "jug"] {
        let item = json!({
            "name": sku, "kind": "product", "weight_g": 400, "value": money(2000),
            "dimensions_mm": {"length": 100, "width": 80, "height": 90},
        });
        assert_eq!(server.ask("PUT", &format!("/v1/items/{sku}"), &item).status, 201);
    }
    test(&server);
    server.stop();
}

fn put_node(server: &Served, node: &str, at: usize, more: Value) {
    let mut body = json!({
        "kind": "warehouse", "name": node, "latitude": 40.0, "longitude": -75.0 - at as f64, "country": "US",
        "postal_code": "60601", "time_zone": "UTC", "active": true,
    });
    for (field, value) in more.as_object().expect("an object") {
        body[field] = value.clone();
    }
    let put = server.ask("PUT", &format!("/v1/nodes/{node}"), &body).status;
    assert!([200, 201].contains(&put), "{put}");
}

fn money(amount: i64) -> Value {
    json!({"amount": amount, "currency": "USD"})
}

fn stock(server: &Served, levels: &[(&str, &str, i64)]) {
    let change = |(sku, node, delta): &(&str, &str, i64)| json!({"sku": sku, "node": node, "delta": delta, "reason": "received"});
    let changes: Vec<Value> = levels.iter().map(change).collect();
    server.done("POST", "/v1/stock/adjustments", &json!({"adjustments": changes}));
}

/// A service of one price that comes to one node.
fn service(name: &str, node: &str, price: i64, days: u32) -> Value {
    json!({
        "service": name, "transit_days": [days], "zones": {"by": "distance_km", "upto": []},
        "rates": {"unit": "kg", "base": [price], "step": [0]}, "max_weight_g": 30000, "nodes": [{"node": node}],
    })
}

fn carrier(server: &Served, services: &[Value]) {
    let put = server.ask("PUT", "/v1/carriers/post", &json!({"name": "Post", "services": services}));
    assert!([200, 201].contains(&put.status), "{}", put.json());
}

/// Puts a version of the rule set `rules` and activates it; answers its number.
fn rules(server: &Served, body: Value) -> u64 {
    let put = server.ask("PUT", "/v1/rule-sets/rules", &body);
    assert_eq!(put.status, 201, "{}", put.json());
    let version = put.json()["version"].as_u64().expect("a number");
    server.done("POST", "/v1/rule-sets/rules/activate", &json!({"version": version}));
    version
}

fn by_money() -> Value {
    json!({"objective": [{"term": "shipping"}, {"term": "handling"}, {"term": "split", "amount": 150}]})
}

fn order_of(id: &str, lines: &[(&str, u64)]) -> Value {
    let line = |(sku, quantity): &(&str, u64)| json!({"sku": sku, "quantity": quantity, "unit_price": money(1000)});
    json!({
        "id": id, "type": "standard", "channel": "web", "channel_order_id": id, "rule_set": "rules",
        "customer": {"id": "c-1", "name": "Customer", "email": "customer@example.org"},
        "ship_to": {
            "name": "Customer", "line1": "1 Main St", "city": "Chicago", "region": "IL", "postal_code": "60601",
            "country": "US", "latitude": 40.0, "longitude": -75.0,
        },
        "lines": lines.iter().map(line).collect::<Vec<_>>(), "delivery_method": "ship",
    })
}

fn quote(server: &Served, lines: &[(&str, u64)]) -> Value {
    let decision = server.done("POST", "/v1/promises", &order_of("quote", lines))["decision"].clone();
    let sum: i64 = list(&decision["terms"]).iter().map(|term| term["amount"].as_i64().expect("minor units")).sum();
    assert_eq!(decision["cost"]["amount"], sum, "the cost is the sum of its terms");
    decision
}

fn list(value: &Value) -> &[Value] {
    value.as_array().expect("a list")
}

/// Nodes of a plan, with the units that leave each.
fn plan(decision: &Value) -> Vec<(String, u64)> {
    let units = |lines: &Value| list(lines).iter().map(|line| line["quantity"].as_u64().expect("units")).sum();
    let of = |one: &Value| (one["node"].as_str().expect("a node").to_owned(), units(&one["lines"]));
    list(&decision["assignments"]).iter().map(of).collect()
}

fn ships(decision: &Value) -> Vec<String> {
    plan(decision).into_iter().map(|(node, _)| node).collect()
}

fn loser<'a>(decision: &'a Value, node: &str) -> &'a Value {
    list(&decision["rejected"]).iter().find(|loser| loser["node"] == node).expect("it lost")
}

#[test]
fn case_23_a_line_is_filled_from_several_nodes_by_unit() {
    served(&["near", "far"], |server| {
        stock(server, &[("mug", "near", 3), ("mug", "far", 4)]);
        carrier(server, &[service("a", "near", 500, 1), service("b", "far", 400, 2)]);
        rules(server, by_money());
        let decision = quote(server, &[("mug", 5)]);
        assert_eq!(
            (ships(&decision), &decision["cost"]["amount"]),
            (vec!["near".to_owned(), "far".to_owned()], &json!(1050))
        );
        let held = json!({"owner": "cart", "ttl_s": 600, "lines": [{"sku": "mug", "quantity": 6}]});
        let held = server.ask("POST", "/v1/reservations", &held).json();
        let parts: u64 = list(&held["lines"]).iter().map(|line| line["quantity"].as_u64().expect("units")).sum();
        assert_eq!((list(&held["lines"]).len(), parts), (2, 6), "a reservation is over nodes");
        let mut order = order_of("buy-1", &[("mug", 6)]);
        order["reservation"] = held["id"].clone();
        let placed = server.done("POST", "/v1/orders", &order);
        assert_eq!((list(&placed["fulfillment_orders"]).len(), &placed["status"]), (2, &json!("fully_allocated")));
        assert_eq!(server.get("/v1/atp/mug").json()["available"], 1);
    });
}

#[test]
fn case_24_ties_are_broken_the_same_way_and_staff_may_choose() {
    served(&["first", "second", "third"], |server| {
        stock(server, &[("mug", "first", 9), ("mug", "second", 9), ("mug", "third", 9)]);
        let all = ["first", "second", "third"].map(|node| service(node, node, 500, 1));
        carrier(server, &all);
        rules(server, by_money());
        for _ in 0..5 {
            let decision = quote(server, &[("mug", 1)]);
            assert_eq!(ships(&decision), ["first"], "of equals the nearest");
            assert_eq!(
                (&loser(&decision, "third")["reason"], &loser(&decision, "third")["costlier_by"]),
                (&json!("tied"), &json!(0))
            );
        }
        let placed = server.done("POST", "/v1/orders", &order_of("buy-1", &[("mug", 1)]));
        let id = placed["fulfillment_orders"][0]["id"].as_str().expect("an id");
        let moved = server.done("POST", &format!("/v1/fulfillment-orders/{id}/move"), &json!({"node": "third"}));
        assert_eq!(moved["node"], "third");
        let story = server.get("/v1/orders/buy-1/history").json();
        let told =
            list(&story["items"]).iter().find(|one| one["type"] == "fulfillment_moved" || one["type"] == "moved");
        assert!(told.is_some_and(|one| one["actor"].is_string() && one["at"].is_string()), "{story}");
        let mut preferring = order_of("buy-2", &[("mug", 1)]);
        preferring["preferred_node"] = json!("second");
        let placed = server.done("POST", "/v1/orders", &preferring);
        assert_eq!(ships(&placed["decision"]), ["second"]);
    });
}

#[test]
fn case_25_a_basket_is_sourced_over_many_nodes_before_it_is_ordered() {
    let names: Vec<String> = (0..60).map(|at| format!("n{at:02}")).collect();
    let nodes: Vec<&str> = names.iter().map(String::as_str).collect();
    served(&nodes, |server| {
        for node in &nodes {
            stock(server, &[("mug", node, 1), ("cup", node, 1), ("jug", node, 1)]);
        }
        let services: Vec<Value> =
            nodes.iter().enumerate().take(50).map(|(at, node)| service(node, node, 900 - at as i64, 1)).collect();
        carrier(server, &services);
        rules(server, by_money());
        let decision = quote(server, &[("mug", 1), ("cup", 1), ("jug", 1)]);
        assert_eq!((ships(&decision), &decision["optimal"]), (vec!["n49".to_owned()], &json!(true)));
        assert_eq!(decision["rejected_count"], 59, "every other node has its reason");
        assert_eq!(decision["carried_by"][0]["service"], "n49", "and the service is known, so tax and date can be");
        assert_eq!(server.get("/v1/atp/mug").json()["available"], 60, "nothing is taken");
    });
}

#[test]
fn case_26_an_order_may_have_to_leave_from_one_node_and_be_split_by_quantity_later() {
    served(&["near", "far"], |server| {
        stock(server, &[("mug", "near", 3), ("mug", "far", 6), ("cup", "far", 1)]);
        carrier(server, &[service("a", "near", 100, 1), service("b", "far", 900, 1)]);
        let mut one = by_money();
        one["fences"] = json!([{"fence": "max_shipments", "count": 1}]);
        rules(server, one);
        assert_eq!(ships(&quote(server, &[("mug", 5)])), ["far"], "near lacks two");
        rules(
            server,
            json!({
                "objective": [{"term": "shipping"}], "fences": [{"fence": "same_node", "in": ["mug", "cup"]}],
            }),
        );
        assert_eq!(ships(&quote(server, &[("mug", 1), ("cup", 1)])), ["far"]);
        let placed = server.done("POST", "/v1/orders", &order_of("buy-1", &[("mug", 4), ("cup", 1)]));
        assert_eq!(list(&placed["fulfillment_orders"]).len(), 1);
        let id = placed["fulfillment_orders"][0]["id"].as_str().expect("an id");
        let part = json!({"lines": [{"line": "1", "quantity": 3}]});
        let split = server.ask("POST", &format!("/v1/fulfillment-orders/{id}/split"), &part);
        assert_eq!(split.status, 200, "{}", split.json());
        let now = server.get("/v1/orders/buy-1").json();
        let mut units: Vec<u64> = list(&now["fulfillment_orders"])
            .iter()
            .map(|f| list(&f["lines"]).iter().map(|line| line["quantity"].as_u64().expect("units")).sum())
            .collect();
        units.sort_unstable();
        assert_eq!(units, [2, 3]);
    });
}

#[test]
fn case_29_a_cutoff_that_has_passed_makes_the_nearest_late_and_the_plan_knows() {
    served(&["near", "far"], |server| {
        // Work of near for today is over from midnight on.
        put_node(server, "near", 0, json!({"cutoff": "00:00"}));
        stock(server, &[("mug", "near", 9), ("mug", "far", 9)]);
        carrier(server, &[service("a", "near", 500, 1), service("b", "far", 600, 1)]);
        rules(server, json!({"objective": [{"term": "shipping"}, {"term": "late", "amount_per_day": 99}]}));
        assert_eq!(ships(&quote(server, &[("mug", 1)])), ["near"], "a day is worth 99, and costs 100");
        rules(server, json!({"objective": [{"term": "shipping"}, {"term": "late", "amount_per_day": 101}]}));
        let decision = quote(server, &[("mug", 1)]);
        assert_eq!((ships(&decision), &loser(&decision, "near")["costlier_by"]), (vec!["far".to_owned()], &json!(1)));
        rules(
            server,
            json!({
                "objective": [{"term": "shipping"}], "fences": [{"fence": "arrives_by", "days": 1}],
            }),
        );
        let decision = quote(server, &[("mug", 1)]);
        assert_eq!(
            (ships(&decision), &loser(&decision, "near")["reason"]),
            (vec!["far".to_owned()], &json!("arrives_too_late"))
        );
    });
}

#[test]
fn case_31_a_change_of_rules_holds_from_the_next_order_on_and_every_decision_names_its_version() {
    served(&["near", "far"], |server| {
        stock(server, &[("mug", "near", 90), ("mug", "far", 90)]);
        carrier(server, &[service("a", "near", 700, 1), service("b", "far", 600, 4)]);
        let mut told = Vec::new();
        for (at, per_day) in [10, 50, 10, 50].into_iter().enumerate() {
            let body = json!({"objective": [{"term": "shipping"}, {"term": "late", "amount_per_day": per_day}]});
            let version = rules(server, body);
            let placed = server.done("POST", "/v1/orders", &order_of(&format!("buy-{at}"), &[("mug", 1)]));
            assert_eq!(placed["decision"]["rule_set_version"], version);
            told.push(ships(&placed["decision"]).concat());
        }
        assert_eq!(told, ["far", "near", "far", "near"]);
        for (at, node) in told.iter().enumerate() {
            let kept = server.get(&format!("/v1/orders/buy-{at}/decision")).json();
            assert_eq!((&kept["rule_set_version"], ships(&kept).concat()), (&json!(at + 1), node.clone()));
        }
    });
}

#[test]
fn fault_01_of_scores_a_node_without_stock_never_wins() {
    served(&["a", "b"], |server| {
        // By the formula b wins with 0.27 against 0.20: it has nothing, and two prices.
        stock(server, &[("mug", "a", 5)]);
        carrier(server, &[service("a", "a", 500, 2), service("b", "b", 500, 3), service("b-fast", "b", 5000, 1)]);
        rules(server, by_money());
        let decision = quote(server, &[("mug", 1), ("cup", 1)]);
        assert_eq!(plan(&decision), [("a".to_owned(), 1)]);
        assert_eq!(
            (&loser(&decision, "b")["reason"], decision["unfilled"][0]["sku"].as_str()),
            (&json!("no_stock"), Some("cup"))
        );
        // Nor when whoever has all of it is dear: −1.1 against −0.5.
        put_node(server, "a", 0, json!({"handling": {"per_shipment": 9000, "per_unit": 300}}));
        assert_eq!(ships(&quote(server, &[("mug", 5)])), ["a"]);
    });
}

#[test]
fn fault_02_of_scores_a_price_is_a_price_and_not_a_ratio() {
    served(&["a", "b"], |server| {
        // By the formula 1 − 40 ÷ 100 beats 1 − 5 ÷ 6.
        stock(server, &[("mug", "a", 5), ("mug", "b", 5)]);
        let fast = [
            service("a", "a", 500, 3),
            service("a-fast", "a", 600, 1),
            service("b", "b", 4000, 3),
            service("b-fast", "b", 10_000, 1),
        ];
        carrier(server, &fast);
        rules(server, by_money());
        let decision = quote(server, &[("mug", 1)]);
        assert_eq!((ships(&decision), &loser(&decision, "b")["costlier_by"]), (vec!["a".to_owned()], &json!(3500)));
        // One service only, or a fastest that is free, is nothing special.
        carrier(server, &[service("a", "a", 0, 1), service("b", "b", 1, 1)]);
        let decision = quote(server, &[("mug", 1)]);
        assert_eq!((ships(&decision), &decision["cost"]["amount"]), (vec!["a".to_owned()], &json!(0)));
    });
}

#[test]
fn fault_03_of_scores_costs_count_as_money_for_what_they_are() {
    served(&["a", "b"], |server| {
        stock(server, &[("mug", "a", 50), ("mug", "b", 50)]);
        carrier(server, &[service("a", "a", 500, 1), service("b", "b", 600, 1)]);
        rules(server, by_money());
        put_node(server, "a", 0, json!({"handling": {"per_shipment": 0, "per_unit": 10}}));
        let of = |n| ships(&quote(server, &[("mug", n)])).concat();
        // Ten a unit against a hundred a parcel: it turns at ten units, not at once and not never.
        assert_eq!([1, 9, 10, 11, 40].map(of), ["a", "a", "a", "b", "b"]);
    });
}

#[test]
fn fault_04_of_scores_all_lines_are_decided_together() {
    served(&["near", "far", "whole"], |server| {
        stock(server, &[("mug", "near", 5), ("cup", "far", 5), ("mug", "whole", 5), ("cup", "whole", 5)]);
        carrier(server, &[service("a", "near", 400, 1), service("b", "far", 400, 1), service("c", "whole", 700, 1)]);
        rules(server, by_money());
        let decision = quote(server, &[("mug", 1), ("cup", 1)]);
        assert_eq!(
            (ships(&decision), &decision["optimal"]),
            (vec!["whole".to_owned()], &json!(true)),
            "line by line it were 950"
        );
        let one = |sku| ships(&quote(server, &[(sku, 1)])).concat();
        assert_eq!((one("mug"), one("cup")), ("near".to_owned(), "far".to_owned()));
    });
}

#[test]
fn fault_05_of_scores_the_date_decides_which_service_goes() {
    served(&["a"], |server| {
        stock(server, &[("mug", "a", 5)]);
        carrier(server, &[service("slow", "a", 500, 5), service("quick", "a", 800, 1)]);
        let by = |objective: Value| {
            rules(server, objective);
            quote(server, &[("mug", 1)])["carried_by"][0]["service"].clone()
        };
        assert_eq!(by(json!({"objective": [{"term": "shipping"}]})), "slow");
        assert_eq!(by(json!({"objective": [{"term": "shipping"}, {"term": "late", "amount_per_day": 80}]})), "quick");
        let soon = json!({"objective": [{"term": "shipping"}], "fences": [{"fence": "arrives_by", "days": 2}]});
        assert_eq!(by(soon), "quick");
    });
}

#[test]
fn fault_06_of_scores_routing_reads_the_stock_that_allocation_takes() {
    served(&["a", "b"], |server| {
        stock(server, &[("mug", "a", 5), ("mug", "b", 5)]);
        carrier(server, &[service("a", "a", 100, 1), service("b", "b", 900, 1)]);
        rules(server, by_money());
        let held = json!({"owner": "cart", "ttl_s": 600, "lines": [{"sku": "mug", "quantity": 2, "node": "a"}]});
        assert_eq!(server.ask("POST", "/v1/reservations", &held).status, 201);
        let aside =
            json!({"moves": [{"sku": "mug", "node": "a", "from": "available", "to": "safety_stock", "quantity": 2}]});
        server.done("POST", "/v1/stock/moves", &aside);
        let decision = quote(server, &[("mug", 3)]);
        assert_eq!(ships(&decision), ["b"], "a has five, of which one is free");
        let placed = server.done("POST", "/v1/orders", &order_of("buy-1", &[("mug", 3)]));
        assert_eq!(placed["decision"]["assignments"], decision["assignments"]);
    });
}

#[test]
fn fault_07_of_scores_what_has_no_record_anywhere_waits_and_is_not_lost() {
    served(&["a", "b"], |server| {
        stock(server, &[("mug", "b", 2)]);
        carrier(server, &[service("a", "a", 100, 1), service("b", "b", 900, 1)]);
        rules(server, by_money());
        let placed = server.done("POST", "/v1/orders", &order_of("buy-1", &[("mug", 3), ("cup", 4)]));
        let buckets = |line: usize, bucket: &str| placed["lines"][line]["buckets"][bucket].as_u64().expect("units");
        assert_eq!((buckets(0, "allocated"), buckets(0, "backordered"), buckets(1, "backordered")), (2, 1, 4));
    });
}

#[test]
fn fault_08_of_scores_what_is_learned_or_scarce_has_a_unit_and_is_told_by_its_term() {
    served(&["a", "b"], |server| {
        stock(server, &[("mug", "a", 1), ("mug", "b", 5)]);
        carrier(server, &[service("a", "a", 500, 1), service("b", "b", 550, 1)]);
        let amount = |decision: &Value, term: &str| {
            let known = list(&decision["terms"]).iter().find(|known| known["name"] == term).expect("it is told");
            known["amount"].as_i64().expect("minor units")
        };
        rules(server, json!({"objective": [{"term": "shipping"}, {"term": "short_pick", "amount": 600}]}));
        // The last of a shelf is not there twelve times in a hundred, others twice.
        let decision = quote(server, &[("mug", 1)]);
        assert_eq!((ships(&decision), amount(&decision, "short_pick")), (vec!["b".to_owned()], 12));
        assert_eq!(loser(&decision, "a")["costlier_by"], 10);
        let scarce = json!([{"term": "shipping"}, {"term": "short_pick", "amount": 600}, {"term": "scarcity"}]);
        rules(server, json!({"objective": scarce}));
        server.done("PUT", "/v1/items/mug/demand", &json!({"node": "b", "units": 70, "days": 7}));
        let decision = quote(server, &[("mug", 1)]);
        assert_eq!((ships(&decision), amount(&decision, "scarcity")), (vec!["a".to_owned()], 0));
        assert!(loser(&decision, "b")["costlier_by"].as_i64().is_some_and(|by| by > 900), "of a margin of 1,000");
        let costs = server.done("PUT", "/v1/items/mug/costs", &json!({"node": "b", "unit_cost": 1995, "markdown": 50}));
        assert_eq!(
            (&costs["about"], &costs["unit_cost"], &costs["markdown"]),
            (&json!("costs"), &json!(1995), &json!(50))
        );
        assert_eq!(ships(&quote(server, &[("mug", 1)])), ["b"], "who misses it there loses 5");
        let kept = server.done("PUT", "/v1/nodes/b/priority", &json!({"amount": 40}));
        assert_eq!((&kept["about"], &kept["amount"]), (&json!("priority"), &json!(40)));
    });
}

#[test]
fn fault_09_of_scores_a_split_ships_what_is_needed_and_no_more() {
    served(&["a", "b", "c"], |server| {
        stock(server, &[("mug", "a", 4), ("mug", "b", 50), ("mug", "c", 50)]);
        carrier(server, &[service("a", "a", 100, 1), service("b", "b", 100, 1), service("c", "c", 100, 1)]);
        rules(server, json!({"objective": [{"term": "shipping"}], "fences": [{"fence": "not_nodes", "in": ["c"]}]}));
        for wanted in [3_u64, 7, 54] {
            let decision = quote(server, &[("mug", wanted)]);
            assert_eq!(plan(&decision).iter().map(|(_, units)| units).sum::<u64>(), wanted);
        }
        let placed = server.done("POST", "/v1/orders", &order_of("buy-1", &[("mug", 54)]));
        assert_eq!(placed["lines"][0]["buckets"]["allocated"], 54);
        assert_eq!(server.get("/v1/atp/mug").json()["available"], 50);
    });
}

#[test]
fn fault_10_of_scores_rates_are_looked_up_and_not_called_for() {
    served(&["a", "b"], |server| {
        stock(server, &[("mug", "a", 5), ("mug", "b", 5)]);
        carrier(server, &[service("a", "a", 730, 1), service("b", "b", 720, 1)]);
        rules(server, by_money());
        // The price that decided is the one the table says to whoever asks for it.
        let decision = quote(server, &[("mug", 2)]);
        let asked = json!({
            "from": {"node": "b"}, "to": {"country": "US", "postal_code": "60601"}, "lines": [{"sku": "mug", "quantity": 2}],
        });
        let rates = server.done("POST", "/v1/rates", &asked);
        assert_eq!(decision["carried_by"][0]["price"], rates["rates"][0]["price"]["amount"], "{rates}");
        // It is in memory and in the journal: the next decision knows a change of it.
        carrier(server, &[service("a", "a", 719, 1), service("b", "b", 720, 1)]);
        assert_eq!(ships(&quote(server, &[("mug", 2)])), ["a"]);
    });
}

#[test]
fn units_that_are_too_dear_to_fill_wait_and_are_told_apart() {
    served(&["a"], |server| {
        stock(server, &[("mug", "a", 5)]);
        carrier(server, &[service("a", "a", 5000, 1)]);
        let mut charged = by_money();
        charged["unfilled"] = json!({"per_line": 1000, "value_share": 0.5});
        rules(server, charged);
        let placed = server.done("POST", "/v1/orders", &order_of("buy-1", &[("mug", 2)]));
        assert_eq!(placed["lines"][0]["buckets"]["backordered"], 2);
        let decision = server.get("/v1/orders/buy-1/decision").json();
        assert_eq!(decision["uneconomic"], json!([{"line": "1", "sku": "mug", "quantity": 2}]));
        assert_eq!((&decision["cost"]["amount"], &decision["optimal"]), (&json!(3000), &json!(true)));
        assert_eq!(decision["rejected"][0]["costlier_by"], 2000);
        assert_eq!(decision["rejected"][0]["enters_if"]["cost_less"], 2001);
        // Four cost 5,000 to send and as much to leave: what costs the same is filled.
        assert_eq!(quote(server, &[("mug", 4)])["unfilled"], json!([]));
    });
}

#[test]
fn what_stock_is_worth_to_orders_to_come_is_found_shown_and_told_in_decisions() {
    served(&["near", "far"], |server| {
        stock(server, &[("mug", "near", 60), ("mug", "far", 200)]);
        carrier(server, &[service("a", "near", 500, 2), service("b", "far", 900, 2)]);
        let path = "/v1/opportunity-costs";
        let none = server.get(path).json();
        assert_eq!(
            (&none["weighed"], &none["enough_history"], &none["stock"]),
            (&json!(false), &json!(false), &json!([]))
        );
        assert!(none.get("computed_at").is_none(), "nobody looked yet");
        let draft = json!({"objective": [{"term": "shipping"}, {"term": "opportunity"}]});
        server.ask("PUT", "/v1/rule-sets/ahead", &draft);
        let previewed = |version: u32| {
            let path = "/v1/rule-sets/ahead/preview";
            server.done("POST", path, &json!({"version": version}))["opportunity"].clone()
        };
        let unknown = previewed(1);
        assert!(unknown.get("computed_at").is_none() && unknown["warning"].as_str().is_some(), "{unknown}");
        rules(server, json!({"objective": [{"term": "shipping"}]}));
        let few = server.done("POST", path, &json!({"days": 3, "within_ms": 100}));
        assert_eq!((&few["enough_history"], &few["basis"]["orders_min"]), (&json!(false), &json!(50)));
        for n in 0..50 {
            server.done("POST", "/v1/orders", &order_of(&format!("past-{n}"), &[("mug", 1)]));
        }
        rules(server, json!({"objective": [{"term": "shipping"}, {"term": "opportunity"}]}));
        // Fifty a day, and near has ten: all want those, and no more than ten get them.
        let found = server.done("POST", path, &json!({"days": 1, "within_ms": 60_000}));
        assert_eq!((&found["weighed"], &found["enough_history"]), (&json!(true), &json!(true)));
        let basis = &found["basis"];
        assert_eq!(
            (&basis["orders"], &basis["days_ahead"], &basis["orders_ahead"]),
            (&json!(50), &json!(1), &json!(50))
        );
        let worth = found["stock"][0]["worth"].as_i64().expect("minor units");
        assert_eq!((list(&found["stock"]).len(), &found["stock"][0]["node"]), (1, &json!("near")));
        assert!((300..=500).contains(&worth), "what it is nearer by: {found}");
        assert_eq!(server.get(path).json(), found);
        let known = previewed(1);
        assert_eq!((&known["basis"], &known["computed_at"]), (&found["basis"], &found["computed_at"]));
        assert!(known.get("warning").is_none(), "{known}");
        server.ask("PUT", "/v1/rule-sets/ahead", &json!({"objective": [{"term": "shipping"}]}));
        assert!(previewed(2).is_null(), "it weighs none");
        let placed = server.done("POST", "/v1/orders", &order_of("next", &[("mug", 1)]));
        let decision = server.get(&format!("/v1/orders/{}/decision", placed["id"].as_str().expect("an id"))).json();
        let term = list(&decision["terms"]).iter().find(|term| term["name"] == "opportunity").expect("it is told");
        let unminded = &decision["without_opportunity"];
        assert_eq!(unminded["assignments"][0]["node"], "near");
        assert_eq!(unminded["cost"], 500);
        let is_same = unminded["same"] == true;
        assert_eq!(term["amount"], if is_same { worth } else { 0 }, "{decision}");
        assert_eq!(unminded["costs_less"], if is_same { 0 } else { 400 });
    });
}

#[test]
fn open_orders_are_planned_again_together_proposed_and_applied() {
    served(&["near", "far"], |server| {
        stock(server, &[("mug", "far", 2)]);
        carrier(server, &[service("a", "near", 500, 2), service("b", "far", 900, 2)]);
        rules(server, by_money());
        for id in ["buy-1", "buy-2"] {
            server.done("POST", "/v1/orders", &order_of(id, &[("mug", 1)]));
        }
        stock(server, &[("mug", "near", 1)]);
        let proposed = server.ask("POST", "/v1/optimisations", &json!({"sku": "mug", "within_ms": 50}));
        assert_eq!(proposed.status, 201, "{}", proposed.json());
        let proposed = proposed.json();
        assert_eq!((&proposed["state"], &proposed["looked_at"]), (&json!("proposed"), &json!(2)));
        let cost = |of: &str| proposed[of]["amount"].as_i64().expect("minor units");
        assert_eq!((cost("cost_before"), cost("cost")), (1_800, 1_400));
        // Prices are whole cents, so the bound may be one below.
        assert!((1_390..=1_400).contains(&cost("lower_bound")), "{proposed}");
        let changes = list(&proposed["changes"]);
        assert_eq!(changes.len(), 1);
        assert_eq!(changes[0]["before"]["assignments"][0]["node"], "far");
        assert_eq!(
            changes[0]["after"]["assignments"],
            json!([{"node": "near", "lines": [{"line": "1", "quantity": 1}]}])
        );
        let id = proposed["id"].as_str().expect("an id");
        assert_eq!(server.get(&format!("/v1/optimisations/{id}")).json(), proposed);
        let applied = server.done("POST", &format!("/v1/optimisations/{id}/apply"), &json!({}));
        assert_eq!(applied["state"], "applied");
        let order = changes[0]["order"].as_str().expect("a name");
        let moved = server.get(&format!("/v1/orders/{order}")).json();
        assert_eq!(moved["fulfillment_orders"][0]["node"], "near");
        // A unit more is near: what is found is applied at once.
        stock(server, &[("mug", "near", 1)]);
        let applied = server.ask("POST", "/v1/optimisations", &json!({"within_ms": 50, "apply": true})).json();
        assert_eq!((&applied["state"], &applied["cost"]["amount"]), (&json!("applied"), &json!(1000)));
        let unknown = server.ask("POST", "/v1/optimisations", &json!({"orders": ["nobody"]}));
        assert_eq!((unknown.status, unknown.json()["code"].clone()), (422, json!("unknown_order")));
        let gone = server.ask("POST", "/v1/optimisations/opt-0/apply", &json!({}));
        assert_eq!(gone.status, 404);
    });
}

#[test]
fn what_waits_is_filled_where_another_order_makes_room_for_it() {
    served(&["near"], |server| {
        put_node(server, "far", 20, json!({}));
        let mut by_distance = service("a", "near", 0, 2);
        by_distance["transit_days"] = json!([2, 2, 2]);
        by_distance["zones"] = json!({"by": "distance_km", "upto": [500, 1000]});
        by_distance["rates"] = json!({"unit": "kg", "base": [500, 900, 1500], "step": [0, 0, 0]});
        by_distance["nodes"] = json!([{"node": "near"}, {"node": "far"}]);
        carrier(server, &[by_distance]);
        let mut charged = by_money();
        charged["unfilled"] = json!({"per_line": 1000, "value_share": 0.0});
        rules(server, charged);
        // One is as far from both, the other next to the near one; what is there first has the only unit.
        let mut between = order_of("between", &[("mug", 1)]);
        between["ship_to"]["longitude"] = json!(-85.0);
        stock(server, &[("mug", "near", 1)]);
        server.done("POST", "/v1/orders", &between);
        server.done("POST", "/v1/orders", &order_of("beside", &[("mug", 1)]));
        stock(server, &[("mug", "far", 1)]);
        let waits = server.get("/v1/orders/beside").json();
        assert_eq!(waits["fulfillment_orders"], json!([]), "from the far one it costs more than it is worth");
        let proposed = server.ask("POST", "/v1/optimisations", &json!({"within_ms": 50}));
        assert_eq!(proposed.status, 201, "{}", proposed.json());
        let proposed = proposed.json();
        let cost = |of: &str| proposed[of]["amount"].as_i64().expect("minor units");
        assert_eq!((cost("cost_before"), cost("cost")), (900 + 1_000, 900 + 500), "{proposed}");
        let names: Vec<&Value> = list(&proposed["changes"]).iter().map(|change| &change["order"]).collect();
        assert_eq!(names.len(), 2, "{proposed}");
        assert_eq!(server.get("/v1/orders/beside").json(), waits, "a proposal changes nothing");
        let id = proposed["id"].as_str().expect("an id");
        let applied = server.done("POST", &format!("/v1/optimisations/{id}/apply"), &json!({}));
        assert_eq!(applied["state"], "applied");
        for (order, node) in [("between", "far"), ("beside", "near")] {
            let order = server.get(&format!("/v1/orders/{order}")).json();
            let own = &order["fulfillment_orders"][0];
            assert_eq!((&own["node"], own["deliver_by"].is_string()), (&json!(node), true), "{order}");
        }
    });
}

#[test]
fn a_proposal_is_refused_when_the_world_moved_on() {
    served(&["near", "far"], |server| {
        stock(server, &[("mug", "far", 1)]);
        carrier(server, &[service("a", "near", 500, 2), service("b", "far", 900, 2)]);
        rules(server, by_money());
        server.done("POST", "/v1/orders", &order_of("buy-1", &[("mug", 1)]));
        stock(server, &[("mug", "near", 1)]);
        let proposed = server.ask("POST", "/v1/optimisations", &json!({"within_ms": 50})).json();
        server.done("POST", "/v1/orders/buy-1/cancellations", &json!({"reason": "changed mind"}));
        let id = proposed["id"].as_str().expect("an id");
        let stale = server.ask("POST", &format!("/v1/optimisations/{id}/apply"), &json!({}));
        assert_eq!((stale.status, stale.json()["code"].clone()), (409, json!("optimisation_stale")));
    });
}

#[test]
fn what_was_learned_is_told_with_how_much_it_is_known_of() {
    served(&["a"], |server| {
        stock(server, &[("mug", "a", 9)]);
        carrier(server, &[service("a", "a", 500, 1)]);
        rules(server, by_money());
        let short = server.get("/v1/nodes/a/short-picks").json();
        let unknown = json!({
            "on_hand": "1", "found": 0, "short": 0, "rate": 0.12, "usual": 0.12, "judged": 0, "score": null,
            "usual_score": null,
        });
        assert_eq!((&short["node"], &short["in_use"], &short["shelves"][0]), (&json!("a"), &json!(true), &unknown));
        let shelves: Vec<&Value> = list(&short["shelves"]).iter().map(|shelf| &shelf["on_hand"]).collect();
        assert_eq!(shelves, ["1", "2-3", "4-9", "10+"]);
        assert_eq!(server.get("/v1/carriers/post/transit").json(), json!({"carrier": "post", "lanes": []}));
        assert_eq!(server.get("/v1/items/mug/velocity").json(), json!({"sku": "mug", "nodes": []}));
        for unknown in ["/v1/nodes/moon/short-picks", "/v1/carriers/moon/transit", "/v1/items/moon/velocity"] {
            let refused = server.get(unknown);
            assert_eq!((refused.status, refused.code().as_str()), (404, "not_found"), "{unknown}");
        }

        let quoted = server.done("POST", "/v1/promises", &order_of("quote", &[("mug", 1)]));
        let chance = json!({
            "chance": 0.85, "low": 0.639_581, "high": 0.947_631, "confidence": 0.95, "parcels": 0, "learned": false,
        });
        assert_eq!(quoted["shipping"][0]["rate"]["on_time"], chance);
        let placed = server.done("POST", "/v1/orders", &order_of("buy-1", &[("mug", 2)]));
        let step = |step: &str, body: Value| {
            let id = placed["fulfillment_orders"][0]["id"].as_str().expect("an id");
            server.done("POST", &format!("/v1/fulfillment-orders/{id}/{step}"), &body)
        };
        step("accept", json!({}));
        step("pick", json!({}));
        step("pack", json!({}));
        step("ship", json!({"carrier": "post", "service": "a", "tracking_number": "1Z"}));
        let scan = json!({"at": "2026-01-04T09:00:00Z", "status": "delivered"});
        step("tracking", json!({"events": [scan]}));
        // What came and left today is told tomorrow.
        let lanes = server.get("/v1/carriers/post/transit").json()["lanes"].clone();
        let lane = json!({
            "service": "a", "zone": 1, "declared_days": 1, "in_use": false, "days": [], "on_time": chance, "usual": 0.85,
            "delay_days": 0.0, "score": null, "usual_score": null,
        });
        assert_eq!(lanes, json!([lane]));
        let nodes = server.get("/v1/items/mug/velocity").json()["nodes"].clone();
        let node = json!({
            "node": "a", "in_use": false, "units_per_day": 0.0, "mean_per_day": 0.0, "newer_count_more": true,
            "days": 0, "units": 0, "judged": 0, "square": null, "mean_square": null,
        });
        assert_eq!(nodes, json!([node]));
    });
}
