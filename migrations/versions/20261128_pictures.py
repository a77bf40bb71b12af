"""Pictures in all their widths, and products' photographs."""

import sqlalchemy as sa
from alembic import op

revision = '20261128_pictures'
down_revision = '20261125_rollups'
branch_labels = None
depends_on = None


def upgrade() -> None:
    number = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')
    formats = ('avif', 'webp', 'jpg')
    op.create_table(
        'pictures',
        sa.Column('id', number, nullable=False),
        sa.Column('name', sa.String(length=40), nullable=False),
        sa.Column('width', sa.Integer(), nullable=False),
        sa.Column('height', sa.Integer(), nullable=False),
        sa.Column('size_bytes', sa.Integer(), nullable=False),
        sa.Column('is_public', sa.Boolean(), nullable=False),
        sa.Column('uploaded_by', number, nullable=True),
        sa.Column('uploaded_at', sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint('width > 0 AND height > 0 AND size_bytes > 0', name=op.f('ck_pictures_size')),
        sa.ForeignKeyConstraint(['uploaded_by'], ['users.id'], name=op.f('fk_pictures_uploaded_by')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_pictures')),
    )
    op.create_index('ix_pictures_name', 'pictures', ['name'], unique=False)
    op.create_table(
        'picture_files',
        sa.Column('picture_id', number, autoincrement=False, nullable=False),
        sa.Column('width', sa.Integer(), autoincrement=False, nullable=False),
        sa.Column('format', sa.Enum(*formats, name='format', native_enum=False, create_constraint=False, length=24), nullable=False),
        sa.Column('content', sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("format IN ('avif', 'webp', 'jpg')", name=op.f('ck_picture_files_format')),
        sa.ForeignKeyConstraint(['picture_id'], ['pictures.id'], name=op.f('fk_picture_files_picture_id')),
        sa.PrimaryKeyConstraint('picture_id', 'width', 'format', name=op.f('pk_picture_files')),
    )
    op.create_table(
        'product_photos',
        sa.Column('id', number, nullable=False),
        sa.Column('product_id', number, nullable=False),
        sa.Column('picture_id', number, nullable=False),
        sa.Column('position', sa.Integer(), nullable=False),
        sa.Column('alt', sa.String(length=120), nullable=False),
        sa.Column('alt_en', sa.String(length=160), nullable=False),
        sa.Column('added_by', number, nullable=True),
        sa.Column('added_at', sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(['product_id'], ['products.id'], name=op.f('fk_product_photos_product_id')),
        sa.ForeignKeyConstraint(['picture_id'], ['pictures.id'], name=op.f('fk_product_photos_picture_id')),
        sa.ForeignKeyConstraint(['added_by'], ['users.id'], name=op.f('fk_product_photos_added_by')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_product_photos')),
        sa.UniqueConstraint('picture_id', name=op.f('uq_product_photos_picture_id')),
    )
    op.create_index('ix_product_photos_product', 'product_photos', ['product_id', 'position'], unique=False)
    op.add_column('products', sa.Column('cover', sa.String(length=40), nullable=False, server_default=''))


def downgrade() -> None:
    op.drop_column('products', 'cover')
    for table in ('product_photos', 'picture_files', 'pictures'):
        op.drop_table(table)
