export default { async session() {}, borrow: true };
