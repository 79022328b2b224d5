// SPDX-License-Identifier: MIT
// As much of HTTP/1.1 as a server needs that answers GET and closes: pure functions of bytes.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace tarn::cli {

struct Asked {
    std::string method, path;  // the path without what follows "?"
    std::string accept;        // "" where nothing was said
    std::optional<std::string> host;
};

struct Answer {
    int status = 200;
    const char* type = "text/plain; charset=utf-8";
    std::shared_ptr<const std::string> body;
};

Answer answer(int status, std::string text);

// Where the head of a request ends; npos: not yet.
size_t head_end(std::string_view bytes);
// Nothing: it is no request.
std::optional<Asked> parse_head(std::string_view head);

// What goes before the body.
std::string answer_head(const Answer& answer);

}  // namespace tarn::cli
