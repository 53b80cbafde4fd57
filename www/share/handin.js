/** The report as a file for the user. */
import { aboutOf } from "./about.js";
import { report } from "./report.js";
import { fileName, save } from "./save.js";

/** Saves the report of a session's runs. @returns {string} the file's name */
export function saveReport(session) {
  const name = fileName(session.runs, "html");
  save(new Blob([report(session.runs, aboutOf(session))], { type: "text/html;charset=utf-8" }), name);
  return name;
}
