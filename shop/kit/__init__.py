"""Small tools that any shop could use: ids, time, text, money as text.

Law: nothing here knows the word "village".
"""
