"""Symbols and strategies that are changed while services trade: adopted, recorded, and counting from a T on."""
