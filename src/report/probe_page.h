#pragma once
// A probe as one HTML file for people, as html_report.h's.
#include <string>

#include "probe/probe.h"

namespace molrt {

// title: the page's heading; empty: made of the targets' names. UTF-8.
std::string probe_page(const ProbeResult& result, const std::string& title);

}  // namespace molrt
