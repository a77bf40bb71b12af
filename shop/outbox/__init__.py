"""What waits to be done: letters to send and long tasks, and the audit trail of what people did.

Law: a row is written in the same transaction as its cause; nothing here renders or sends.
"""
