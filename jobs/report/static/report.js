// Draws the charts, fills the tables behind them, sorts and filters the leaderboard, and steps through the epochs.
(() => {
  "use strict";
  const report = JSON.parse(document.getElementById("report-data").textContent);
  const byId = (id) => document.getElementById(id);

  // Above a narrow chart, legends stand below one another.
  const layout = { top: { direction: "vertical", anchor: "start" } };
  const stacked = { ...report.config, legend: { ...report.config.legend, columns: 3, layout } };
  const configFor = (place) => (place.clientWidth < 560 ? stacked : report.config);

  const element = (name, text, className) => {
    const made = document.createElement(name);
    if (text !== undefined) made.textContent = text;
    if (className) made.className = className;
    return made;
  };

  // Charts: rows travel as arrays, those with common cells as [common cells, rows].

  const flatRows = (chart) =>
    chart.common ? chart.rows.flatMap(([common, rows]) => rows.map((row) => common.concat(row))) : chart.rows;

  const asObjects = (chart) => {
    const names = chart.columns.map(([name]) => name);
    return flatRows(chart).map((row) => Object.fromEntries(names.map((name, index) => [name, row[index]])));
  };

  const withData = (chart, place) => {
    const values = asObjects(chart);
    if (!chart.spec.$schema.includes("vega-lite")) {
      return { ...chart.spec, data: chart.spec.data.map((data) => (data.name === "rows" ? { ...data, values } : data)) };
    }
    return { ...chart.spec, config: configFor(place), datasets: { rows: values } };
  };

  const draw = async (chart) => {
    const place = byId(chart.id).querySelector(".chart");
    const drawn = await window.vegaEmbed(place, withData(chart, place), {
      actions: false,
      ast: true, // expressions are interpreted: the page's policy forbids to evaluate text
      defaultStyle: false,
      renderer: "svg",
      tooltip: { disableDefaultStyle: true },
    });
    // The chart has one label, and a table: a screen reader should not read out every line of the drawing.
    drawn.view.container().querySelector("svg").setAttribute("aria-hidden", "true");
  };

  const cellText = (value, digits) => {
    if (value === null || value === undefined) return "";
    return typeof value === "number" && digits !== null ? value.toFixed(digits) : String(value);
  };

  const fillTable = (chart) => {
    const shown = chart.columns.map((column, index) => [...column, index]).filter(([, label]) => label);
    const head = element("tr");
    const isNumber = (index, rows) => rows.every((row) => row[index] === null || typeof row[index] === "number");
    const rows = flatRows(chart);
    const classes = shown.map(([, , , index]) => (isNumber(index, rows) ? "n" : ""));
    shown.forEach(([, label], place) => {
      const cell = element("th", label, classes[place]);
      cell.scope = "col";
      head.append(cell);
    });
    const body = element("tbody");
    for (const row of rows) {
      const line = element("tr");
      shown.forEach(([, , digits, index], place) => line.append(element("td", cellText(row[index], digits), classes[place])));
      body.append(line);
    }
    const table = element("table");
    const top = element("thead");
    top.append(head);
    table.append(element("caption", chart.title), top, body);
    byId(chart.id).querySelector("details.data .scroll").replaceChildren(table);
  };

  const prepareTable = (chart) => {
    const details = byId(chart.id).querySelector("details.data");
    details.addEventListener("toggle", () => details.open && fillTable(chart), { once: true });
  };

  // Leaderboard.

  const cellKey = (row, index) => {
    const cell = row.cells[index];
    return cell.dataset.v ?? cell.textContent;
  };

  const compare = (kind, sign) => (left, right) => {
    const [a, b] = [left[0], right[0]];
    if (a === "" || b === "") return a === b ? 0 : a === "" ? 1 : -1; // what has no value comes last
    return sign * (kind === "number" ? parseFloat(a) - parseFloat(b) : a.localeCompare(b));
  };

  const sortBy = (table, header) => {
    const index = header.cellIndex;
    const kind = header.dataset.sort;
    const direction = header.getAttribute("aria-sort") === "ascending" ? "descending" : "ascending";
    for (const other of header.parentNode.cells) other.removeAttribute("aria-sort");
    header.setAttribute("aria-sort", direction);
    const keyed = [...table.tBodies[0].rows].map((row) => [cellKey(row, index), row]);
    keyed.sort(compare(kind, direction === "ascending" ? 1 : -1));
    table.tBodies[0].append(...keyed.map(([, row]) => row));
  };

  const filterRows = (table, rows) => {
    const words = byId("filter-text").value.toLowerCase().split(/\s+/).filter(Boolean);
    const network = byId("filter-network")?.value ?? "";
    const state = byId("filter-state")?.value ?? "";
    let count = 0;
    for (const { row, text } of rows) {
      const isKept =
        words.every((word) => text.includes(word)) &&
        (!network || row.cells[1].textContent === network) &&
        (!state || row.querySelector(`td.${state}`) !== null);
      row.hidden = !isKept;
      count += isKept ? 1 : 0;
    }
    byId("filter-count").textContent = `${count} of ${rows.length} trials`;
  };

  const prepareLeaderboard = () => {
    const table = byId("trials");
    if (!table) return;
    for (const header of table.tHead.rows[0].cells) {
      if (!header.dataset.sort) continue;
      const button = element("button", header.textContent);
      button.type = "button";
      button.addEventListener("click", () => sortBy(table, header));
      header.replaceChildren(button);
    }
    const rows = [...table.tBodies[0].rows].map((row) => ({
      row,
      text: [...row.cells].map((cell) => cell.textContent.toLowerCase()).join(" "),
    }));
    const form = byId("filters");
    form.hidden = false;
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("input", () => filterRows(table, rows));
    filterRows(table, rows);
  };

  // Confusion matrices by epoch.

  const shade = (count, total) => {
    const share = count / Math.max(total, 1);
    return `e${count === 0 ? 0 : share < 0.01 ? 1 : share < 0.05 ? 2 : 3}`;
  };

  const showConfusion = (table, counts) => {
    [...table.tBodies[0].rows].forEach((row, label) => {
      const total = counts[label].reduce((sum, count) => sum + count, 0);
      counts[label].forEach((count, read) => {
        const cell = row.cells[1 + read];
        cell.textContent = count || "";
        cell.className = label === read ? "right" : shade(count, total);
      });
      row.cells[1 + counts.length].textContent = `${((100 * counts[label][label]) / Math.max(total, 1)).toFixed(1)} %`;
    });
  };

  const prepareConfusion = (box) => {
    const slider = box.querySelector("input[type=range]");
    if (!slider) return;
    const epochs = slider.dataset.epochs.split(" ");
    slider.closest("label").hidden = false;
    const describe = () => slider.setAttribute("aria-valuetext", `epoch ${epochs[slider.value]}`);
    slider.addEventListener("input", () => {
      showConfusion(box.querySelector("table"), report.data.confusions[box.id][slider.value]);
      box.querySelector("output").textContent = epochs[slider.value];
      describe();
    });
    describe();
  };

  // `mxtrials report --serve`: loads the page again when the study has changed.

  const follow = (address, seconds) => {
    const look = async () => {
      try {
        const answer = await fetch(address, { cache: "no-store" });
        if (answer.ok && (await answer.text()) !== report.revision) location.reload();
      } catch {
        return; // the server has stopped: the page stays as it is
      }
      setTimeout(look, 1000 * seconds);
    };
    setTimeout(look, 1000 * seconds);
  };

  prepareLeaderboard();
  document.querySelectorAll(".confusion").forEach(prepareConfusion);
  report.charts.forEach(prepareTable);
  if (report.revision) follow("revision", 2);

  const drawAll = async () => {
    for (const chart of report.charts) {
      await draw(chart);
      await new Promise((resolve) => setTimeout(resolve)); // lets the page react between two charts
    }
    document.documentElement.dataset.drawn = "true";
  };
  drawAll();
})();
