"""Who somebody is and what they may do: users, roles, addresses, sign-in.

Law: a password is kept only as its Argon2id hash; permission comes from roles, and a page asks for a permission, never for a role.
"""
