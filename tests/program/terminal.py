"""Runs a command on a pseudo-terminal and prints what a person would have seen, as JSON.

    python3 terminal.py LINES COLUMNS COMMAND...

prints {"code": exit code, "pictures": [[line, ...], ...]}: the terminal's text, scrolled lines included, each time the
command paused, without trailing blanks and without equal ones in a row.
"""

import codecs
import fcntl
import json
import os
import pty
import re
import select
import struct
import sys
import termios
import unicodedata

SEQUENCE = re.compile(r"\x1b\[([?]?)([0-9;]*)([A-Za-z])")


class Terminal:
    """As xterm: a character in the last column waits there, and the next one begins a new line."""

    def __init__(self, lines, columns):
        self.lines, self.columns = lines, columns
        self.text = [[" "] * columns]
        self.line = self.column = 0
        self.full = False

    def write(self, text):
        at = 0
        while at < len(text):
            if text[at] == "\x1b":
                found = SEQUENCE.match(text, at)
                if not found:
                    if len(text) - at < 20 and not re.search(r"[A-Za-z]", text[at:]):
                        return text[at:]
                    raise ValueError(f"unknown sequence {text[at:at + 20]!r}")
                self.control(*found.groups())
                at = found.end()
                continue
            self.character(text[at])
            at += 1
        return ""

    def character(self, c):
        if c == "\r":
            self.column, self.full = 0, False
        elif c == "\n":
            self.down(1, scroll=True)
        elif ord(c) < 32:
            raise ValueError(f"unexpected control character {c!r}")
        else:
            width = 2 if unicodedata.east_asian_width(c) in "WF" else 1
            if self.full or self.column + width > self.columns:
                self.column, self.full = 0, False
                self.down(1, scroll=True)
            self.text[self.line][self.column:self.column + width] = [c] + [""] * (width - 1)
            self.column += width
            if self.column == self.columns:
                self.column, self.full = self.columns - 1, True

    def down(self, count, scroll=False):
        for _ in range(count):
            if self.line + 1 == len(self.text) and (scroll or len(self.text) < self.lines):
                self.text.append([" "] * self.columns)
            self.line = min(self.line + 1, len(self.text) - 1)
        self.full = False

    def control(self, private, numbers, letter):
        number = int(numbers.split(";")[0] or 0)
        count = max(number, 1)
        # The cursor cannot reach lines that have left the screen.
        top = max(len(self.text) - self.lines, 0)
        if private or letter == "m":
            return
        if letter == "A":
            self.line, self.full = max(self.line - count, top), False
        elif letter == "B":
            self.down(count)
        elif letter == "C":
            self.column, self.full = min(self.column + count, self.columns - 1), False
        elif letter == "D":
            self.column, self.full = max(self.column - count, 0), False
        elif letter == "G":
            self.column, self.full = count - 1, False
        elif letter == "K" and number in (0, 2):
            start = self.column if number == 0 else 0
            self.text[self.line][start:] = [" "] * (self.columns - start)
        elif letter == "J" and number == 0:
            self.text[self.line][self.column:] = [" "] * (self.columns - self.column)
            for line in self.text[self.line + 1:]:
                line[:] = [" "] * self.columns
        else:
            raise ValueError(f"unknown sequence {numbers}{letter}")

    def picture(self):
        lines = ["".join(line).rstrip() for line in self.text]
        while lines and not lines[-1]:
            lines.pop()
        return lines


def main():
    lines, columns, command = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
    size = struct.pack("HHHH", lines, columns, 0, 0)
    pid, master = pty.fork()
    if pid == 0:
        fcntl.ioctl(0, termios.TIOCSWINSZ, size)
        os.environ["TERM"] = "xterm-256color"
        os.execvp(command[0], command)
    terminal, pictures, rest = Terminal(lines, columns), [], ""
    decoder = codecs.getincrementaldecoder("utf-8")()
    while True:
        ready, _, _ = select.select([master], [], [], 0.005)
        if ready:
            try:
                more = os.read(master, 1 << 16)
            except OSError:
                more = b""
            if not more:
                break
            rest = terminal.write(rest + decoder.decode(more))
            continue
        picture = terminal.picture()
        if not pictures or pictures[-1] != picture:
            pictures.append(picture)
        select.select([master], [], [])
    if not pictures or pictures[-1] != terminal.picture():
        pictures.append(terminal.picture())
    _, status = os.waitpid(pid, 0)
    json.dump({"code": os.waitstatus_to_exitcode(status), "pictures": pictures}, sys.stdout)


main()
