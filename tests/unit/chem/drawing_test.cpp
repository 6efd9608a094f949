#include "chem/drawing.h"

#include <gtest/gtest.h>

namespace molrt {
namespace {

TEST(Drawing, IsOneElementInThePagesColours) {
  const std::string svg = draw_svg("CC(=O)Nc1ccc(O)cc1", 200, 150);
  EXPECT_TRUE(svg.starts_with("<svg"));
  EXPECT_TRUE(svg.ends_with("</svg>"));
  EXPECT_NE(svg.find("currentColor"), std::string::npos);
  EXPECT_EQ(svg.find("#000000"), std::string::npos);
  EXPECT_EQ(svg.find("<?xml"), std::string::npos);
  EXPECT_EQ(svg.find("<rect"), std::string::npos) << "a ground of its own";
  EXPECT_NE(svg.find("<text"), std::string::npos) << "letters as outlines";
  EXPECT_LT(svg.size(), 20000u);
}

TEST(Drawing, OfAMolBlock) {
  const std::string block =
      "ethane\n\n\n  2  1  0  0  0  0  0  0  0  0999 V2000\n"
      "    0.0000    0.0000    0.7500 C   0  0\n    0.0000    0.0000   -0.7500 C   0  0\n"
      "  1  2  1  0\nM  END\n";
  EXPECT_EQ(draw_svg({block, TextFormat::mol_block}, 200, 150), draw_svg("CC", 200, 150));
}

TEST(Drawing, OfNothingIsNothing) {
  EXPECT_EQ(draw_svg("", 200, 150), "");
  EXPECT_EQ(draw_svg("no molecule", 200, 150), "");
  EXPECT_EQ(draw_svg(std::string(400, 'C'), 200, 150), "") << "too large for a picture";
}

TEST(Drawing, CarriesNothingOfItsText) {
  const std::string svg = draw_svg("CCO <script>alert(1)</script>", 200, 150);
  EXPECT_EQ(svg.find("script"), std::string::npos);
}

}  // namespace
}  // namespace molrt
