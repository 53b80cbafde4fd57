/**
 * Budgets of bits: how much of which unit, as text ("3", "400KB", "12GBOP"). Pure functions (no DOM).
 *
 * @typedef {object} Budget
 * @property {string} unit name of one of `UNITS`
 * @property {number} amount
 */
import { budgets } from "../../pkg/registry.js";

/** {name, label, about}; the first has no name. */
export const UNITS = budgets;

/** What every budget looks like, for a message. */
export const FORM = `average bits ("3"), kilobytes ("400KB") or billions of bit-operations an image ("12GBOP")`;

/** @returns {Budget|null} null: it is none */
export function budgetOf(text) {
  const wanted = text.trim();
  // Every text ends with the name of the first.
  const { name } = UNITS.findLast((unit) => wanted.endsWith(unit.name));
  const figures = wanted.slice(0, wanted.length - name.length).trim();
  const amount = Number(figures);
  return figures !== "" && amount > 0 && Number.isFinite(amount) ? { unit: name, amount } : null;
}

/** Figures of an amount. */
const DIGITS = 4;

/** Rounded up: what it was made of still fits. @param {Budget} budget */
export function budgetText({ unit, amount }) {
  const scale = 10 ** (DIGITS - 1 - Math.floor(Math.log10(amount)));
  // What has no more figures stays, whatever floats make of it.
  return `${Number((Math.ceil(amount * scale - 1e-6) / scale).toPrecision(DIGITS))}${unit}`;
}

/** "2.97 bits a weight". */
export const amountText = (amount, unit) => `${amount < 10 ? amount.toFixed(2) : amount < 100 ? amount.toFixed(1) : Math.round(amount)} ${UNITS.find(({ name }) => name === unit).label}`;
