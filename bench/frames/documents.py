# SPDX-License-Identifier: MIT
"""Documents in JSON, read, changed and written."""
import json
import sys

scale = float(sys.argv[1]) if len(sys.argv) > 1 else 1

document = {"orders": [{"number": n, "lines": [{"article": n * i, "text": f"article {i}", "price": i / 7} for i in range(20)]}
                       for n in range(200)]}
text = json.dumps(document)
for _ in range(int(80 * scale)):
    read = json.loads(text)
    for order in read["orders"]:
        order["sum"] = sum(line["price"] for line in order["lines"])
    text = json.dumps(read)
