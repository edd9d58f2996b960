"""Reports are made of the same handmade shop as evaluations."""

import importlib.util
from pathlib import Path
