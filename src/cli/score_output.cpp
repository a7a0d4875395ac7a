// SPDX-License-Identifier: Apache-2.0
#include "cli/score_output.h"

#include <fmt/format.h>

#include "base/text.h"
#include "cli/json_writer.h"

namespace sbx::cli {
namespace {

using score::Fact;
using score::ItemInfo;
using score::tenths_text;

std::string item_text(const Score& score, const ItemInfo& item) {
  const auto index = static_cast<std::size_t>(item.item);
  const Fact& fact = score.facts[index];
  const unsigned tenths = score.exposure.item_tenths[index];
  const std::string mark = fact.state == Fact::State::Meaningless ? "n/a"
                           : fact.state == Fact::State::Unseen    ? tenths_text(tenths) + "?"
                           : tenths == 0                          ? "-"
                                                                  : tenths_text(tenths);
  const std::string origin = fact.origin.line > 0 ? "  [" + escape(to_text(fact.origin)) + "]" : "";
  return fmt::format("  {:<5} {:<60} {}{}\n", mark, item.name, escape(score::text_of(item, fact)), origin);
}

std::string_view word_of(Fact::State state) {
  return state == Fact::State::Rated ? "rated" : state == Fact::State::Meaningless ? "meaningless" : "unseen";
}

void write_item(JsonWriter& json, const Score& score, const ItemInfo& item) {
  const auto index = static_cast<std::size_t>(item.item);
  const Fact& fact = score.facts[index];
  json.begin_object();
  json.member("id", item.id);
  json.member("name", item.name);
  json.member("area", score::name_of(item.area));
  json.member("state", word_of(fact.state));
  json.key("weight");
  json.number(item.weight);
  json.key("badness");
  json.number(fact.badness);
  json.key("range");
  json.number(item.range);
  json.member("exposure", tenths_text(score.exposure.item_tenths[index]));
  json.member("description", score::text_of(item, fact));
  write_origin(json, "file", fact.origin);
  json.end_object();
}

void write_areas(JsonWriter& json, const score::Exposure& exposure) {
  json.key("areas");
  json.begin_array();
  for (std::size_t area = 0; area < score::kAreas; ++area) {
    json.begin_object();
    json.member("area", score::name_of(static_cast<score::Area>(area)));
    json.member("exposure", tenths_text(exposure.area_tenths[area]));
    json.member("of", tenths_text(exposure.area_most[area]));
    json.end_object();
  }
  json.end_array();
}

}  // namespace

std::string score_text(const Score& score) {
  const score::Exposure& exposure = score.exposure;
  std::string text = fmt::format("{} {}{}\n", score.kind, escape(score.subject), score.detail.empty() ? "" : ", " + escape(score.detail));
  for (std::size_t area = 0; area < score::kAreas; ++area) {
    text += fmt::format("{}: {} of {}\n", score::name_of(static_cast<score::Area>(area)), tenths_text(exposure.area_tenths[area]),
                        tenths_text(exposure.area_most[area]));
    for (const ItemInfo& item : score::items()) {
      text += static_cast<std::size_t>(item.area) == area ? item_text(score, item) : "";
    }
  }
  text += fmt::format("exposure of {}: {} {}\n", escape(score.subject), tenths_text(exposure.tenths), score::level_of(exposure.tenths));
  if (exposure.unseen > 0) {
    text += fmt::format("{} items cannot be seen and count as open; were they shut, it would be {} {}\n", exposure.unseen,
                        tenths_text(exposure.at_best), score::level_of(exposure.at_best));
  }
  return text;
}

std::string scores_json(const std::vector<Score>& scores) {
  JsonWriter json;
  json.begin_array();
  for (const Score& score : scores) {
    json.begin_object();
    json.member("subject", score.subject);
    json.member("kind", score.kind);
    json.member("detail", score.detail);
    json.member("exposure", tenths_text(score.exposure.tenths));
    json.member("at_best", tenths_text(score.exposure.at_best));
    json.member("level", score::level_of(score.exposure.tenths));
    json.key("unseen");
    json.number(score.exposure.unseen);
    write_areas(json, score.exposure);
    json.key("items");
    json.begin_array();
    for (const ItemInfo& item : score::items()) {
      write_item(json, score, item);
    }
    json.end_array();
    json.end_object();
  }
  json.end_array();
  return json.take();
}

}  // namespace sbx::cli
