#include "report/html.h"

#include <fmt/format.h>

#include "base/text.h"
#include "report/style.h"

namespace molrt::report {
namespace {

std::string_view entity(char c) {
  switch (c) {
    case '<':
      return "&lt;";
    case '>':
      return "&gt;";
    case '&':
      return "&amp;";
    case '"':
      return "&quot;";
    case '\'':
      return "&#39;";
    default:
      return "";
  }
}

bool is_control(char c) {
  return (static_cast<unsigned char>(c) < 0x20 && c != '\t' && c != '\n') || c == 0x7f;
}

std::string row(const Cells& cells, const char* name, bool texts) {
  std::string markup;
  for (size_t i = 0; i < cells.size(); ++i)
    markup += element(name, i > 0 && !texts ? "number" : "", escaped(cells[i]));
  return element("tr", "", markup);
}

}  // namespace

std::string escaped(std::string_view text) {
  std::string result;
  for (const char c : as_utf8(text)) {
    if (is_control(c))
      result += "\uFFFD";
    else if (const std::string_view known = entity(c); !known.empty())
      result += known;
    else
      result += c;
  }
  return result;
}

std::string escaped(std::string_view text, size_t longest) {
  const std::string whole = as_utf8(text);
  size_t characters = 0;
  for (size_t i = 0; i < whole.size(); ++i) {
    const bool begins = (static_cast<unsigned char>(whole[i]) & 0xc0) != 0x80;  // of UTF-8
    if (begins && ++characters > longest)
      return escaped(std::string_view(whole).substr(0, i)) + "\u2026";
  }
  return escaped(whole);
}

std::string element(std::string_view name, std::string_view style, std::string_view markup) {
  if (style.empty()) return fmt::format("<{}>{}</{}>\n", name, markup, name);
  return fmt::format("<{} class=\"{}\">{}</{}>\n", name, style, markup, name);
}

std::string paragraph(std::string_view text) { return element("p", "", escaped(text)); }

std::string note(std::string_view text) { return element("p", "note", escaped(text)); }

std::string heading(int level, std::string_view text) {
  return element(fmt::format("h{}", level), "", escaped(text));
}

std::string details(std::string_view summary, std::string_view markup) {
  return element("details", "", element("summary", "", escaped(summary)) + std::string(markup));
}

std::string table(const Cells& head, const std::vector<Cells>& rows, bool texts) {
  std::string body;
  for (const Cells& cells : rows) body += row(cells, "td", texts);
  return element(
      "div", "wide",
      element("table", "",
              element("thead", "", row(head, "th", texts)) + element("tbody", "", body)));
}

std::string facts(const std::vector<std::pair<std::string, std::string>>& rows) {
  std::string body;
  for (const auto& [name, text] : rows)
    body += element("tr", "", element("th", "", escaped(name)) + element("td", "", escaped(text)));
  return element("div", "wide", element("table", "facts", element("tbody", "", body)));
}

std::string figures(const std::vector<std::string>& markup) {
  std::string all;
  for (const std::string& one : markup) all += one;
  return all.empty() ? "" : element("div", "figures", all);
}

std::string figure(std::string_view title, std::string_view picture, std::string_view caption) {
  if (picture.empty()) return "";
  return element("figure", "",
                 element("h4", "", escaped(title)) + std::string(picture) +
                     element("figcaption", "", escaped(caption)));
}

std::string page(std::string_view title, std::string_view body) {
  return fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
      "style-src 'unsafe-inline'\">\n"
      "<title>{}</title>\n<style>\n{}</style>\n</head>\n<body>\n<main>\n{}</main>\n</body>\n"
      "</html>\n",
      escaped(title), style_sheet, body);
}

}  // namespace molrt::report
