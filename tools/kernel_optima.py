#!/usr/bin/env python3
"""Compares the kernel in full with HiGHS, order by order; part of the long run, never of CI.

    python3 -m venv venv && venv/bin/pip install highspy
    ORDAIN_KERNEL_PRINT=1 ORDAIN_KERNEL_ORDERS=10000 cargo test --release --lib \
        orders_are_printed_for_the_solver_when_it_asks -- --nocapture | grep '^{' >orders.jsonl
    venv/bin/python tools/kernel_optima.py orders.jsonl [optima.txt]

The model is written down here from its own description, not from the kernel's code: node i sends parcels p with y = 1,
each in one bracket b of its cheapest service (z), x units of line l in each, n units of a line left.

  min  sum (h_i + split) y + sum T_ib z + sum c_il x - split t + sum (f_l n_l + F_l v_l)
  s.t. sum_ip x + n_l = q_l      x <= a_il y        sum_b z = y       sum_l w_l x <= sum_b U_b z
       sum_p x <= a_il           sum_pl x <= C_i    t <= sum y        n_l <= q_l v_l       sum y <= most
       n_l = q_l v_l for a line in full    n_l = q_l r for an order in full
       sum_p x = q_l g_i for lines together, with sum_i g_i <= 1

Where filling comes first, the missing units are minimised first and then held.

That model is weak: orders over many nodes take minutes. So most are given by patterns, the same orders written otherwise: a
column is a node with all that it ships, v = 1, at the least its parcels can cost; with so many patterns of every node

  min  sum c_ik v - split t + sum (f_l n_l + F_l v_l)   s.t. sum x_lk v + n_l = q_l, sum_k v_ik <= 1, t <= sum v, and as above

Of the nodes that could ship the same units with as many parcels only the cheapest are kept, one more than can be busy with
other units of the order: a dearer one could always be exchanged for one of these. Of these columns the ones are left out whose
reduced cost in the relaxation shows that no plan as cheap as the kernel's has them. `--model parcels` takes the first model for
all, `--known optima.txt` passes over what is known.

Prints what differs and ends with 1 if anything does; with a second argument writes seed, cost and missing units of all that
agree.
"""
import argparse
import json
import sys
import time

import highspy
import numpy as np

INF = highspy.kHighsInf


class Model:
    def __init__(self):
        self.cost, self.upper, self.rows, self.low, self.high = [], [], [], [], []

    def var(self, cost=0.0, upper=1):
        self.cost.append(float(cost))
        self.upper.append(float(upper))
        return len(self.cost) - 1

    def row(self, terms, low=-INF, high=INF):
        self.rows.append(terms)
        self.low.append(float(low))
        self.high.append(float(high))

    def without_dear(self, most):
        """Leaves out columns that no solution at most so dear has, by their reduced costs in the relaxation."""
        solver = self.passed(False)
        solver.run()
        if solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            return
        room = most - solver.getInfo().objective_function_value + 0.5
        for col, reduced in enumerate(solver.getSolution().col_dual):
            if reduced > room:
                self.upper[col] = 0.0

    def solve(self):
        solver = self.passed(True)
        solver.run()
        proven = solver.getModelStatus() == highspy.HighsModelStatus.kOptimal
        return solver.getInfo().objective_function_value, proven

    def passed(self, whole):
        """The solver with this model, in whole numbers or relaxed."""
        lp = highspy.HighsLp()
        lp.num_col_, lp.num_row_ = len(self.cost), len(self.rows)
        lp.col_cost_ = np.array(self.cost)
        lp.col_lower_ = np.zeros(len(self.cost))
        lp.col_upper_ = np.array(self.upper)
        lp.row_lower_, lp.row_upper_ = np.array(self.low), np.array(self.high)
        start, index, value = [0], [], []
        for terms in self.rows:
            for col, coefficient in terms:
                index.append(col)
                value.append(float(coefficient))
            start.append(len(index))
        lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
        lp.a_matrix_.start_ = np.array(start)
        lp.a_matrix_.index_ = np.array(index)
        lp.a_matrix_.value_ = np.array(value)
        if whole:
            lp.integrality_ = [highspy.HighsVarType.kInteger] * len(self.cost)
        solver = highspy.Highs()
        for name, setting in [("output_flag", False), ("mip_rel_gap", 0.0), ("mip_abs_gap", 0.4), ("time_limit", 3000.0),
                              ("threads", 1)]:
            solver.setOptionValue(name, setting)
        solver.passModel(lp)
        return solver


def write(order):
    """The model, the columns of units left, and the costs that count."""
    m, split, up_to, lines = Model(), order["split"], order["up_to"], order["lines"]
    left = [m.var(line[3], line[0]) for line in lines]
    short = [m.var(line[2], 1) for line in lines]
    shipped = [[(n, 1)] for n in left]
    any_parcel, all_y = m.var(-split), []
    bundle_of, bundle_vars = [line[5] for line in lines], {}
    heaviest = sum(line[0] * line[1] for line in lines)
    for handling, picks, parcels_max, has, costs, services in order["nodes"]:
        carried = max(len(table) for _, table in services)
        asks = [min(plus + table[b] for plus, table in services if b < len(table)) for b in range(carried)]
        while len(asks) > 1 and up_to[len(asks) - 2] >= heaviest:
            asks.pop()
        caps = [min(line[0], available) for line, available in zip(lines, has)]
        of_node, sums = [], [[] for _ in lines]
        before = None
        for _ in range(min(parcels_max, sum(caps))):
            y = m.var(handling + split)
            all_y.append((y, 1))
            z = [(m.var(cost), 1) for cost in asks]
            m.row(z + [(y, -1)], 0, 0)
            weight = [(col, -limit) for (col, _), limit in zip(z, up_to)]
            for number, cap in enumerate(caps):
                if cap > 0:
                    x = m.var(costs[number], cap)
                    m.row([(x, 1), (y, -cap)], high=0)
                    shipped[number].append((x, 1))
                    sums[number].append((x, 1))
                    of_node.append((x, 1))
                    weight.append((x, lines[number][1]))
            m.row(weight, high=0)
            if before is not None:
                m.row([(y, 1), (before, -1)], high=0)
            before = y
        if picks is not None and of_node:
            m.row(of_node, high=picks)
        for number, cap in enumerate(caps):
            if parcels_max > 1 and sums[number]:
                m.row(sums[number], high=cap)
        for bundle in set(b for b in bundle_of if b is not None):
            g = m.var()
            bundle_vars.setdefault(bundle, []).append((g, 1))
            for number, line in enumerate(lines):
                if line[5] == bundle:
                    m.row(sums[number] + [(g, -line[0])], 0, 0)
    for chosen in bundle_vars.values():
        m.row(chosen, high=1)
    m.row([(any_parcel, 1)] + [(y, -1) for y, _ in all_y], high=0)
    if order["most"] is not None:
        m.row(all_y, high=order["most"])
    demands(m, order, shipped, left, short)
    return m, left, short


PATTERNS_MAX = 20_000
PAIRS_MAX = 40_000_000
NEVER = np.int64(1) << 40


class Patterns:
    """All vectors of units, and what each costs a node."""

    def __init__(self, order):
        self.order, self.lines = order, order["lines"]
        self.quantities = [line[0] for line in self.lines]
        sizes = [quantity + 1 for quantity in self.quantities]
        self.count = int(np.prod(sizes))
        if self.count > PATTERNS_MAX:
            return
        self.units = np.indices(sizes).reshape(len(sizes), -1).T.astype(np.int64)
        self.weight = self.units @ np.array([line[1] for line in self.lines])
        self.total = self.units.sum(axis=1)
        self.whole = np.ones(self.count, dtype=bool)
        for bundle in set(line[5] for line in self.lines if line[5] is not None):
            of = [at for at, line in enumerate(self.lines) if line[5] == bundle]
            asked = np.array([self.quantities[at] for at in of])
            chosen = self.units[:, of]
            self.whole &= (chosen == 0).all(axis=1) | (chosen == asked).all(axis=1)

    def too_many(self):
        return self.count > PATTERNS_MAX or (
            any(node[2] > 1 for node in self.order["nodes"]) and self.count * self.count > PAIRS_MAX)

    def parcel(self, handling, services):
        """What one parcel costs with each vector in it, beside its units."""
        up_to = np.array(self.order["up_to"])
        carried = max(len(table) for _, table in services)
        asks = [min(plus + table[b] for plus, table in services if b < len(table)) for b in range(carried)]
        least = np.minimum.accumulate(np.array(asks + [NEVER])[::-1])[::-1]
        bracket = np.minimum(np.searchsorted(up_to[:carried], self.weight), carried)
        cost = least[bracket] + handling + self.order["split"]
        cost[0] = NEVER
        return np.minimum(cost, NEVER)

    def parcels(self, one, most):
        """The same with exactly so many parcels, by their number."""
        costs = [one]
        can = np.flatnonzero(one < NEVER)
        for _ in range(1, most):
            before, cost = costs[-1], np.full(self.count, NEVER)
            for first in can:
                rest = np.flatnonzero((self.units >= self.units[first]).all(axis=1))
                cost[rest] = np.minimum(cost[rest], one[first] + before[rest - first])
            costs.append(np.minimum(cost, NEVER))
        return costs

    def columns(self):
        """Cost, parcels, node and vector of all that is worth a column."""
        order, by_class = self.order, {}
        for number, (handling, picks, parcels_max, has, unit_costs, services) in enumerate(order["nodes"]):
            caps = np.minimum(np.array(self.quantities), np.array(has))
            can = (self.units <= caps).all(axis=1) & self.whole
            if picks is not None:
                can &= self.total <= picks
            goods = self.units @ np.array(unit_costs)
            costs = self.parcels(self.parcel(handling, services), min(parcels_max, int(caps.sum())))
            costs = np.array([np.where(can, cost, NEVER) for cost in costs]).reshape(-1, self.count)
            if len(costs) == 0:
                continue
            if order["most"] is None:
                costs = costs.min(axis=0, keepdims=True)
            for parcels, cost in enumerate(costs, 1):
                for vector in np.flatnonzero(cost < NEVER):
                    by_class.setdefault((vector, parcels), []).append((int(cost[vector] + goods[vector]), number))
        asked = sum(self.quantities)
        for (vector, parcels), nodes in by_class.items():
            for cost, node in sorted(nodes)[:asked - int(self.total[vector]) + 1]:
                yield cost, parcels, node, vector


def write_patterns(order, patterns):
    """The model of patterns, the columns of units left, and the costs that count."""
    m, lines = Model(), order["lines"]
    left = [m.var(line[3], line[0]) for line in lines]
    short = [m.var(line[2], 1) for line in lines]
    shipped, of_node, every, parcels_of = [[(n, 1)] for n in left], {}, [], []
    any_parcel = m.var(-order["split"])
    for cost, parcels, node, vector in patterns.columns():
        v = m.var(cost)
        of_node.setdefault(node, []).append((v, 1))
        every.append((v, -1))
        parcels_of.append((v, parcels))
        for line, units in enumerate(patterns.units[vector]):
            if units:
                shipped[line].append((v, int(units)))
    for chosen in of_node.values():
        m.row(chosen, high=1)
    m.row([(any_parcel, 1)] + every, high=0)
    if order["most"] is not None:
        m.row(parcels_of, high=order["most"])
    demands(m, order, shipped, left, short)
    return m, left, short


def demands(m, order, shipped, left, short):
    """What of every line is shipped and left, and what is asked in full."""
    nothing = m.var() if order["complete"] else None
    for number, line in enumerate(order["lines"]):
        m.row(shipped[number], line[0], line[0])
        m.row([(left[number], 1), (short[number], -line[0])], 0 if line[4] else -INF, 0)
        if nothing is not None:
            m.row([(left[number], 1), (nothing, -line[0])], 0, 0)


def least(order, model):
    patterns = Patterns(order) if model == "patterns" else None
    if patterns is None or patterns.too_many():
        m, left, short = write(order)
    else:
        m, left, short = write_patterns(order, patterns)
    if not order["first"]:
        if patterns is not None:
            m.without_dear(order["cost"])
        cost, proven = m.solve()
        return round(cost), None, proven
    costs = m.cost
    m.cost = [0.0] * len(costs)
    for col in left:
        m.cost[col] = 1.0
    missing, proven = m.solve()
    m.row([(col, 1) for col in left], high=round(missing))
    for col in left + short:
        costs[col] = 0.0
    m.cost = costs
    if patterns is not None and round(missing) == order["missing"]:
        m.without_dear(order["cost"])
    cost, also = m.solve()
    return round(cost), round(missing), proven and also


def known_of(path):
    if path is None:
        return set()
    return {int(line.split()[0]) for line in open(path) if not line.startswith("#")}


def main():
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("orders")
    asked.add_argument("optima", nargs="?")
    asked.add_argument("--model", choices=["patterns", "parcels"], default="patterns")
    asked.add_argument("--known", help="optima that need not be found again")
    asked = asked.parse_args()
    known = known_of(asked.known)
    compared = worse = better = open_ = unproven = 0
    out = open(asked.optima, "w") if asked.optima else None
    began = time.time()
    for text in open(asked.orders):
        order = json.loads(text)
        if order["seed"] in known:
            continue
        cost, missing, proven = least(order, asked.model)
        if not proven:
            unproven += 1
            print("unproven by the solver:", order["seed"], flush=True)
            continue
        compared += 1
        open_ += not order["optimal"]
        differs = order["cost"] - cost if missing in (None, order["missing"]) else order["missing"] - missing
        worse += differs > 0
        better += differs < 0
        if differs:
            print("seed", order["seed"], "kernel", order["cost"], order["missing"], "solver", cost, missing, flush=True)
        elif out:
            print(order["seed"], order["cost"], order["missing"], file=out, flush=True)
        if compared % 500 == 0:
            print(f"{compared} compared, {worse} worse, {better} better, {time.time() - began:.0f} s", flush=True)
    print(f"{compared} compared: {worse} worse, {better} better, {open_} not called optimal, {unproven} unproven by the solver")
    sys.exit(1 if worse or better else 0)


main()
