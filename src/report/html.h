#pragma once
// Texts that may hold anything, and the few elements that a page is made of. Only what html:: made
// is markup; every other text is escaped where it enters one of these.
#include <string>
#include <string_view>
#include <vector>

namespace molrt::report {

// For an element's text and for attributes in double quotes: <, >, &, quotes escaped, control
// characters but tab and newline and whatever is not UTF-8 as U+FFFD.
std::string escaped(std::string_view text);
// The same, cut after `longest` characters, then with an ellipsis.
std::string escaped(std::string_view text, size_t longest);

// <name class="style">markup</name>; without class if style is empty.
std::string element(std::string_view name, std::string_view style, std::string_view markup);
std::string paragraph(std::string_view text);                            // escaped
std::string note(std::string_view text);                                 // escaped; small print
std::string heading(int level, std::string_view text);                   // escaped
std::string details(std::string_view summary, std::string_view markup);  // summary escaped

using Cells = std::vector<std::string>;  // plain texts
// Numbers (cells from the second column on) are aligned to the right unless `texts`.
std::string table(const Cells& head, const std::vector<Cells>& rows, bool texts = false);
// Two columns: names and texts.
std::string facts(const std::vector<std::pair<std::string, std::string>>& rows);
// Figures side by side as far as the page is wide.
std::string figures(const std::vector<std::string>& markup);
// A picture with its caption (escaped) below; empty without a picture.
std::string figure(std::string_view title, std::string_view picture, std::string_view caption);

std::string page(std::string_view title, std::string_view body);  // the whole document

}  // namespace molrt::report
