// The rules of an audience as rows that are added, changed and taken away. What they say is written into a hidden field
// of the form around them, as the JSON that `campaigns.audience_rules` reads; the server says what is wrong with it.
document.addEventListener("alpine:init", () => {
  "use strict";

  let rows = 0;
  const read = (id) => JSON.parse(document.getElementById(id).textContent);

  Alpine.data("audienceRules", () => ({
    vocabulary: read("rules-vocabulary"),
    match: "all",
    parts: [],

    init() {
      let kept = {};
      try {
        kept = JSON.parse(this.field().value) || {};
      } catch {
        // What nobody can read is what the server complains of.
      }
      this.match = kept.match || "all";
      const conditions = Array.isArray(kept.conditions) ? kept.conditions : [];
      this.parts = conditions.map((part) => (part.conditions ? this.group(part) : this.row(part)));
    },

    field() {
      return this.$root.querySelector("[name=rules]");
    },

    // --- rows ---

    row(condition = {}) {
      const { attribute } = this.vocabulary;
      const given = String(condition.field ?? attribute);
      const isAttribute = given.startsWith(attribute);
      const field = isAttribute ? attribute : given;
      const value = Array.isArray(condition.value) ? condition.value.join("\n") : String(condition.value ?? "");
      return {
        id: ++rows,
        field,
        name: isAttribute ? given.slice(attribute.length) : "",
        op: condition.op || this.ops(field)[0],
        value,
      };
    },

    group(group = {}) {
      return { id: ++rows, match: group.match || "any", parts: (group.conditions || [{}]).map((part) => this.row(part)) };
    },

    // A field that rules know no longer may stay in those that were kept: the server says so, and it can be replaced.
    isKnown(row) {
      return row.field in this.vocabulary.ops;
    },

    ops(field) {
      return this.vocabulary.ops[field] || [];
    },

    // Those of its field, and one that was kept and is none of them.
    choices(row) {
      const ops = this.ops(row.field);
      return !row.op || ops.includes(row.op) ? ops : [...ops, row.op];
    },

    shape(row) {
      return this.vocabulary.shapes[row.op];
    },

    fit(row) {
      const ops = this.ops(row.field);
      if (!ops.includes(row.op)) {
        row.op = ops[0];
      }
    },

    add(parts, part) {
      parts.push(part);
      this.$nextTick(() => [...this.$root.querySelectorAll("[data-field]")].at(-1).focus());
    },

    remove(parts, part) {
      // The button that was pressed is gone by then, and what is found from where it stood.
      const field = this.field();
      const { add } = this.$refs;
      parts.splice(parts.indexOf(part), 1);
      this.$nextTick(() => {
        add.focus();
        field.dispatchEvent(new Event("change", { bubbles: true }));
      });
    },

    // --- what they say ---

    said(part) {
      if (part.parts) {
        return { match: part.match, conditions: part.parts.map((inner) => this.said(inner)) };
      }
      const field = part.field === this.vocabulary.attribute ? part.field + part.name.trim() : part.field;
      const values = { nothing: undefined, texts: part.value.split("\n").filter((text) => text.trim()) };
      const shape = this.shape(part);
      return { field, op: part.op, value: shape in values ? values[shape] : part.value };
    },

    keep() {
      const conditions = this.parts.map((part) => this.said(part)).filter((part) => part.field || part.conditions.length);
      this.field().value = JSON.stringify(conditions.length ? { match: this.match, conditions } : {});
    },
  }));
});
