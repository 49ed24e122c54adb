"use strict";
// The data that stands in the page, and small helpers for elements and words.

const data = JSON.parse(document.getElementById("data").textContent);

// An element with attributes, handlers (`onclick: …`) and children, which are elements or text.
function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value != null) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child != null));
  return element;
}

// The float32 number of 16 bits.
function halfToFloat(bits) {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

// A tensor of the page's data as { shape, values }, the values as a Float32Array.
function decode(tensor) {
  const text = atob(tensor.data);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  const view = new DataView(bytes.buffer);
  const size = tensor.type === "f2" ? 2 : 4;
  const values = new Float32Array(bytes.length / size);
  for (let i = 0; i < values.length; i++) {
    values[i] = size === 2 ? halfToFloat(view.getUint16(2 * i, true)) : view.getFloat32(4 * i, true);
  }
  return { shape: tensor.shape, values };
}

// A share as a percentage that never rounds to a false certainty.
function percent(share) {
  const value = 100 * share;
  let text = String(Math.round(value));
  if (value < 10 || (value > 99 && value < 100)) text = value.toFixed(1).replace(".0", "");
  if (value > 99.95 && value < 99.9999) text = "> 99.9";
  if (value > 0.0001 && value < 0.05) text = "< 0.1";
  return `${text}\u00a0%`; // the space does not break
}

// A number in three digits.
function short(value) {
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size < 0.001 || size >= 100000) return value.toExponential(1);
  return String(Number(value.toPrecision(3)));
}

// Call `work` at most once for each frame of the screen, however often the result is called.
function eachFrame(work) {
  let waiting = false;
  return () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      work();
    });
  };
}
